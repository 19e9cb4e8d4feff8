variables {
  aws_region    = "us-west-2"
  satellite_url = "http://satellite.internal:9999"
  levo_env      = "staging"
  org_id        = "3f0c7c3a-6f6e-4c5e-9a51-0c9d6d1f3b11"
}

run "defaults" {
  command = plan

  assert {
    condition = jsonencode(output.container_definition.entryPoint) == jsonencode([
      "./bin/init", "apidump", "--satellite-url", "http://satellite.internal:9999", "--levo-env", "staging",
      "--levoai-org-id", "3f0c7c3a-6f6e-4c5e-9a51-0c9d6d1f3b11", "--rate-limit", "1000",
      "--trace-export-interval", "10", "--stream-timeout-seconds", "10", "--health-port", "19464",
    ])
    error_message = "entryPoint is ${jsonencode(output.container_definition.entryPoint)}"
  }

  assert {
    condition     = output.container_definition.essential == false
    error_message = "the task must outlive its sensor"
  }

  assert {
    condition     = !can(output.container_definition.logConfiguration)
    error_message = "no log group was given"
  }

  assert {
    condition     = output.container_definition.cpu == 64 && output.container_definition.memory == 200
    error_message = "without a task size the sensor gets its floor"
  }
}

run "share_of_a_large_task" {
  command = plan

  variables {
    task_cpu             = 4096
    task_memory          = 8192
    cpu_percentage_limit = 10
    aws_log_group        = "/ecs/shop-pcap"
    rate_limit           = 50.5
    extra_flags          = ["--path-exclusions", "^/health$"]
  }

  assert {
    condition     = output.container_definition.cpu == 409 && output.container_definition.memory == 409
    error_message = "10 % of 4096 units and 5 % of 8192 MiB, rounded down; got ${output.container_definition.cpu} and ${output.container_definition.memory}"
  }

  assert {
    condition     = output.container_definition.logConfiguration.options["awslogs-group"] == "/ecs/shop-pcap"
    error_message = "log group"
  }

  assert {
    condition     = jsonencode(slice(output.container_definition.entryPoint, 8, 18)) == jsonencode(["--rate-limit", "50.5", "--trace-export-interval", "10", "--stream-timeout-seconds", "10", "--health-port", "19464", "--path-exclusions", "^/health$"])
    error_message = "entryPoint is ${jsonencode(output.container_definition.entryPoint)}"
  }
}

run "floors_in_a_small_task" {
  command = plan

  variables {
    task_cpu        = 256
    task_memory     = 512
    reserved_cpu    = 192
    reserved_memory = 312
  }

  assert {
    condition     = output.container_definition.cpu == 64 && output.container_definition.memory == 200
    error_message = "5 % of a small task is too little, so the floors hold"
  }
}

run "refuses_a_task_without_cpu_to_spare" {
  command = plan

  variables {
    task_cpu     = 256
    reserved_cpu = 193
  }

  expect_failures = [output.container_definition]
}

run "refuses_a_task_without_memory_to_spare" {
  command = plan

  variables {
    task_memory     = 512
    reserved_memory = 313
  }

  expect_failures = [output.container_definition]
}

run "refuses_an_unfilled_placeholder" {
  command = plan

  variables {
    satellite_url = "<INSERT SATELLITE URL>"
  }

  expect_failures = [var.satellite_url]
}
