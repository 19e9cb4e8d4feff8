# The service, if one is named. It is imported, and only its task definition is managed; everything else is left to its
# owner, and it can never be destroyed from here.

import {
  for_each = var.service == null ? {} : { service = var.service }
  to       = aws_ecs_service.this[each.key]
  id       = "${each.value.cluster}/${each.value.name}"
}

resource "aws_ecs_service" "this" {
  for_each = var.service == null ? {} : { service = var.service }

  name                  = each.value.name
  cluster               = each.value.cluster
  task_definition       = aws_ecs_task_definition.with_sensor.arn
  wait_for_steady_state = true

  lifecycle {
    prevent_destroy = true
    ignore_changes = [
      alarms, availability_zone_rebalancing, capacity_provider_strategy, cluster, deployment_circuit_breaker,
      deployment_controller, deployment_maximum_percent, deployment_minimum_healthy_percent, desired_count,
      enable_ecs_managed_tags, enable_execute_command, force_delete, force_new_deployment,
      health_check_grace_period_seconds, iam_role, launch_type, load_balancer, network_configuration,
      ordered_placement_strategy, placement_constraints, platform_version, propagate_tags, scheduling_strategy,
      service_connect_configuration, service_registries, tags, tags_all, triggers, volume_configuration,
      vpc_lattice_configurations,
    ]
  }
}
