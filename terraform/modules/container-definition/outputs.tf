output "container_definition" {
  description = "One entry of a task definition's container_definitions, as an object for jsonencode."
  value       = local.container_definition

  precondition {
    condition     = var.task_cpu == null || coalesce(var.task_cpu, 0) >= var.reserved_cpu + local.cpu
    error_message = "The task has ${coalesce(var.task_cpu, 0)} CPU units, of which its other containers ask for ${var.reserved_cpu}; the sensor needs ${local.cpu} (cpu_percentage_limit = ${var.cpu_percentage_limit}, never below ${local.cpu_units_min}). Give the task more CPU, or its containers less."
  }

  precondition {
    condition     = var.task_memory == null || coalesce(var.task_memory, 0) >= var.reserved_memory + local.memory
    error_message = "The task has ${coalesce(var.task_memory, 0)} MiB, of which its other containers reserve ${var.reserved_memory}; the sensor needs ${local.memory} (memory_percentage_limit = ${var.memory_percentage_limit}, never below ${local.memory_mib_min}). Give the task more memory, or its containers less."
  }
}
