# A new revision of an existing task definition: everything it has, with the sensor's container in place of any it had.
#
# A second apply reads the revision that the first one made, takes it apart and puts it together the same way, so that
# nothing changes. If someone registers a newer revision, the next apply makes one from that.

data "aws_ecs_task_definition" "current" {
  task_definition = var.task_definition_name

  lifecycle {
    postcondition {
      condition     = contains(["awsvpc", "host"], self.network_mode)
      error_message = "Task definition ${var.task_definition_name} has network mode ${self.network_mode}: its containers do not share a network namespace, so a sidecar would see no traffic. Use awsvpc (or host)."
    }
  }
}

# The data source above has no tags; this one reads the tags of any ARN.
data "aws_resourcegroupstaggingapi_resources" "current" {
  count             = var.copy_tags ? 1 : 0
  resource_arn_list = [data.aws_ecs_task_definition.current.arn]
}

locals {
  current    = data.aws_ecs_task_definition.current
  containers = jsondecode(local.current.container_definitions)

  # A container is a sensor by its name, or by its image if someone added it by hand.
  others = [
    for container in local.containers : container
    if container.name != "levo-pcap-sensor" &&
    !can(regex("^(.*/)?pcap-sensor([:@].*)?$", container.image))
  ]

  current_tags = merge([
    for mapping in flatten(data.aws_resourcegroupstaggingapi_resources.current[*].resource_tag_mapping_list) : mapping.tags
  ]...)
  tags = merge({ for key, value in local.current_tags : key => value if !startswith(key, "aws:") }, var.tags)
}

module "sensor" {
  source = "./modules/container-definition"

  aws_region              = var.aws_region
  satellite_url           = var.satellite_url
  levo_env                = var.levo_env
  org_id                  = var.org_id
  aws_log_group           = var.aws_log_group
  image_name              = var.image_name
  rate_limit              = var.rate_limit
  trace_export_interval   = var.trace_export_interval
  stream_timeout_seconds  = var.stream_timeout_seconds
  extra_flags             = var.extra_flags
  cpu_percentage_limit    = coalesce(var.percentage_cpu_utilization, var.cpu_percentage_limit)
  memory_percentage_limit = coalesce(var.percentage_memory_utilization, var.memory_percentage_limit)

  task_cpu        = try(tonumber(local.current.cpu), null)
  task_memory     = try(tonumber(local.current.memory), null)
  reserved_cpu    = sum(concat([0], [for container in local.others : try(coalesce(container.cpu, 0), 0)]))
  reserved_memory = sum(concat([0], [for container in local.others : try(coalesce(try(container.memoryReservation, null), try(container.memory, null)), 0)]))
}

resource "aws_ecs_task_definition" "with_sensor" {
  family = local.current.family
  # Each is encoded by itself, since a conditional would give its two arms, and so all containers, one type.
  container_definitions = format("[%s]", join(",", concat(
    [for container in local.others : jsonencode(container)],
    var.with_sensor ? [jsonencode(module.sensor.container_definition)] : [],
  )))

  # The data source says "" where a property is not set; the resource wants null.
  cpu                      = local.current.cpu == "" ? null : local.current.cpu
  memory                   = local.current.memory == "" ? null : local.current.memory
  task_role_arn            = local.current.task_role_arn == "" ? null : local.current.task_role_arn
  execution_role_arn       = local.current.execution_role_arn == "" ? null : local.current.execution_role_arn
  network_mode             = local.current.network_mode == "" ? null : local.current.network_mode
  pid_mode                 = local.current.pid_mode == "" ? null : local.current.pid_mode
  ipc_mode                 = local.current.ipc_mode == "" ? null : local.current.ipc_mode
  requires_compatibilities = local.current.requires_compatibilities
  enable_fault_injection   = local.current.enable_fault_injection
  tags                     = local.tags

  dynamic "runtime_platform" {
    for_each = local.current.runtime_platform
    content {
      cpu_architecture        = runtime_platform.value.cpu_architecture == "" ? null : runtime_platform.value.cpu_architecture
      operating_system_family = runtime_platform.value.operating_system_family == "" ? null : runtime_platform.value.operating_system_family
    }
  }

  dynamic "ephemeral_storage" {
    for_each = local.current.ephemeral_storage
    content {
      size_in_gib = ephemeral_storage.value.size_in_gib
    }
  }

  dynamic "placement_constraints" {
    for_each = local.current.placement_constraints
    content {
      type       = placement_constraints.value.type
      expression = placement_constraints.value.expression == "" ? null : placement_constraints.value.expression
    }
  }

  dynamic "proxy_configuration" {
    for_each = local.current.proxy_configuration
    content {
      type           = proxy_configuration.value.type
      container_name = proxy_configuration.value.container_name
      properties     = proxy_configuration.value.properties
    }
  }

  dynamic "volume" {
    for_each = local.current.volume
    content {
      name                = volume.value.name
      host_path           = volume.value.host_path == "" ? null : volume.value.host_path
      configure_at_launch = volume.value.configure_at_launch ? true : null

      dynamic "docker_volume_configuration" {
        for_each = volume.value.docker_volume_configuration
        content {
          scope = docker_volume_configuration.value.scope == "" ? null : docker_volume_configuration.value.scope
          # Only a shared volume may have autoprovision set.
          autoprovision = docker_volume_configuration.value.scope == "shared" ? docker_volume_configuration.value.autoprovision : null
          driver        = docker_volume_configuration.value.driver == "" ? null : docker_volume_configuration.value.driver
          driver_opts   = docker_volume_configuration.value.driver_opts
          labels        = docker_volume_configuration.value.labels
        }
      }

      dynamic "efs_volume_configuration" {
        for_each = volume.value.efs_volume_configuration
        content {
          file_system_id          = efs_volume_configuration.value.file_system_id
          root_directory          = efs_volume_configuration.value.root_directory == "" ? null : efs_volume_configuration.value.root_directory
          transit_encryption      = efs_volume_configuration.value.transit_encryption == "" ? null : efs_volume_configuration.value.transit_encryption
          transit_encryption_port = efs_volume_configuration.value.transit_encryption_port == 0 ? null : efs_volume_configuration.value.transit_encryption_port

          dynamic "authorization_config" {
            for_each = efs_volume_configuration.value.authorization_config
            content {
              access_point_id = authorization_config.value.access_point_id == "" ? null : authorization_config.value.access_point_id
              iam             = authorization_config.value.iam == "" ? null : authorization_config.value.iam
            }
          }
        }
      }

      dynamic "fsx_windows_file_server_volume_configuration" {
        for_each = volume.value.fsx_windows_file_server_volume_configuration
        content {
          file_system_id = fsx_windows_file_server_volume_configuration.value.file_system_id
          root_directory = fsx_windows_file_server_volume_configuration.value.root_directory

          dynamic "authorization_config" {
            for_each = fsx_windows_file_server_volume_configuration.value.authorization_config
            content {
              credentials_parameter = authorization_config.value.credentials_parameter
              domain                = authorization_config.value.domain
            }
          }
        }
      }
    }
  }

  lifecycle {
    # A service moves to the new revision before the old one is deregistered.
    create_before_destroy = true

    precondition {
      condition     = length(local.others) > 0
      error_message = "Task definition ${var.task_definition_name} has no container but the sensor."
    }
  }
}
