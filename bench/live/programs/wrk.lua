-- wrk over one connection: `wrk -c1 -t1 -s wrk.lua BASE -- PLAN DIRECTORY DEPTH`, DEPTH requests at a time in a pipeline.
-- PLAN has a line `id<TAB>method<TAB>target<TAB>body file` for each request. Responses come in the order of requests.
-- DIRECTORY/wrk.report appears when all have come.
local planned, lines, sent, received, depth, directory = {}, {}, 0, 0, 1, "."
local isVerified = false

function init(args)
  for line in io.lines(args[1]) do
    local id, method, target, body = line:match("^([^\t]*)\t([^\t]*)\t([^\t]*)\t?(.*)$")
    planned[#planned + 1] = { id = id, method = method, target = target, body = body }
  end
  directory = args[2]
  depth = tonumber(args[3])
end

local function encoded(item)
  local body = nil
  if item.body ~= "" then
    local file = io.open(item.body, "rb")
    body = file:read("*a")
    file:close()
  end
  return wrk.format(item.method, item.target, { ["Host"] = wrk.headers["Host"] }, body)
end

function request()
  local requests = {}
  for i = 1, depth do
    requests[i] = encoded(planned[sent + i] or planned[#planned])
  end
  -- The first call only asks what a request looks like.
  if isVerified then sent = sent + depth end
  isVerified = true
  return table.concat(requests)
end

function response(status, headers, body)
  received = received + 1
  local item = planned[received]
  if item ~= nil then
    local file = io.open(directory .. "/" .. item.id, "wb")
    file:write(body or "")
    file:close()
    lines[#lines + 1] = string.format('{"id":"%s","status":%d,"headers":[]}\n', item.id, status)
  end
  if received >= #planned then
    local report = io.open(directory .. "/wrk.report.new", "w")
    report:write(table.concat(lines))
    report:close()
    os.rename(directory .. "/wrk.report.new", directory .. "/wrk.report")
    wrk.thread:stop()
  end
end
