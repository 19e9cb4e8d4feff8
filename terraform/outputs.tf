output "task_definition_arn" {
  description = "The revision with the sensor."
  value       = aws_ecs_task_definition.with_sensor.arn
}

output "task_definition" {
  description = "The same revision as family:revision, for update-service."
  value       = "${aws_ecs_task_definition.with_sensor.family}:${aws_ecs_task_definition.with_sensor.revision}"
}
