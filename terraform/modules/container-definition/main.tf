# The sensor's container definition, from variables alone: there is no provider and no resource, and nothing is read or
# changed.

locals {
  # Below these the sensor does not run well; the low-resource profile was measured in this much memory.
  cpu_units_min  = 64
  memory_mib_min = 200

  # On the loopback of the task, which the application shares: a port that nothing else is known to use.
  health_port = 19464

  cpu    = max(local.cpu_units_min, floor(coalesce(var.task_cpu, 0) * var.cpu_percentage_limit / 100))
  memory = max(local.memory_mib_min, floor(coalesce(var.task_memory, 0) * var.memory_percentage_limit / 100))

  log_configuration = var.aws_log_group == null ? {} : {
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        "awslogs-group"         = var.aws_log_group
        "awslogs-create-group"  = "true"
        "awslogs-region"        = var.aws_region
        "awslogs-stream-prefix" = "ecs-pcap"
      }
    }
  }

  container_definition = merge({
    name         = "levo-pcap-sensor"
    image        = var.image_name
    cpu          = local.cpu
    memory       = local.memory
    portMappings = []
    # The task must outlive its sensor, whatever happens to it.
    essential     = false
    restartPolicy = { enabled = true, ignoredExitCodes = [2], restartAttemptPeriod = 60 }
    entryPoint = concat([
      "./bin/init", "apidump",
      "--satellite-url", var.satellite_url,
      "--levo-env", var.levo_env,
      ], var.org_id == null ? [] : ["--levoai-org-id", var.org_id], [
      "--rate-limit", tostring(var.rate_limit),
      "--trace-export-interval", tostring(var.trace_export_interval),
      "--stream-timeout-seconds", tostring(var.stream_timeout_seconds),
      "--health-port", tostring(local.health_port),
    ], var.extra_flags)
    environment            = [{ name = "LEVO_AWS_REGION", value = var.aws_region }]
    mountPoints            = []
    volumesFrom            = []
    stopTimeout            = 30
    readonlyRootFilesystem = true
    healthCheck = {
      command = [
        "CMD", "node", "-e",
        "fetch('http://127.0.0.1:${local.health_port}/healthz').then((r) => { process.exitCode = r.ok ? 0 : 1 }, () => { process.exitCode = 1 })",
      ]
      interval    = 30
      timeout     = 5
      retries     = 3
      startPeriod = 10
    }
  }, local.log_configuration)
}
