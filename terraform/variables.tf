variable "aws_region" {
  description = "Region of the task definition, such as us-west-2."
  type        = string
}

variable "task_definition_name" {
  description = "Family of the task definition; its latest active revision gets the sensor."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,255}$", var.task_definition_name))
    error_message = "task_definition_name must be a family such as shop, without revision or ARN: the latest revision is what is changed."
  }
}

variable "satellite_url" {
  description = "Where traces go: http(s)://host[:port]."
  type        = string
}

variable "levo_env" {
  description = "Environment that traces are tagged with, such as staging."
  type        = string
}

variable "org_id" {
  description = "Organisation that traces are tagged with; null tags them with none."
  type        = string
  default     = null
}

variable "aws_log_group" {
  description = "CloudWatch log group of the sensor, such as /ecs/shop-pcap."
  type        = string
}

variable "image_name" {
  description = "Image of the sensor."
  type        = string
  default     = "levoai/pcap-sensor:0.1.0"
}

variable "rate_limit" {
  description = "Traces a minute; 0 means no limit."
  type        = number
  default     = 1000
}

variable "trace_export_interval" {
  description = "Seconds between batches."
  type        = number
  default     = 10
}

variable "stream_timeout_seconds" {
  description = "Seconds that a stream waits for a missing segment, and an exchange for its response."
  type        = number
  default     = 10
}

variable "cpu_percentage_limit" {
  description = "Share of the task's CPU for the sensor, in percent; at least 64 units."
  type        = number
  default     = 5
}

variable "memory_percentage_limit" {
  description = "Share of the task's memory for the sensor, in percent; at least 200 MiB."
  type        = number
  default     = 5
}

variable "percentage_cpu_utilization" {
  description = "Another name of cpu_percentage_limit, which it stands in for where it is given."
  type        = number
  default     = null
}

variable "percentage_memory_utilization" {
  description = "Another name of memory_percentage_limit, which it stands in for where it is given."
  type        = number
  default     = null
}

variable "extra_flags" {
  description = "Further flags of apidump, word by word, such as [\"--path-exclusions\", \"^/health$\"]."
  type        = list(string)
  default     = []
}

variable "copy_tags" {
  description = "Copy the task definition's tags. They are read with tag:GetResources, because the data source has none."
  type        = bool
  default     = true
}

variable "tags" {
  description = "Tags for the new revision besides those copied."
  type        = map(string)
  default     = {}
}

variable "with_sensor" {
  description = "False takes the sensor out again: the new revision is the latest one without it."
  type        = bool
  default     = true
}

variable "service" {
  description = "Service to move to the new revision and wait for, {cluster, name}; null only makes the revision. See docs/install.md."
  type = object({
    cluster = string
    name    = string
  })
  default = null
}
