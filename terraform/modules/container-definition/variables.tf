variable "aws_region" {
  description = "Region of the task and of its log group, such as us-west-2."
  type        = string
}

variable "satellite_url" {
  description = "Where traces go: http(s)://host[:port]."
  type        = string

  validation {
    condition     = can(regex("^(https?://)?[^\\s<>/]+(:[0-9]+)?(/[^\\s<>]*)?$", var.satellite_url))
    error_message = "satellite_url must be http(s)://host[:port][/base], such as http://satellite.internal:9999."
  }
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
  description = "CloudWatch log group of the sensor; null leaves the container without a log driver of its own."
  type        = string
  default     = null
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

  validation {
    condition     = var.rate_limit >= 0
    error_message = "rate_limit must be 0 (no limit) or more traces a minute."
  }
}

variable "trace_export_interval" {
  description = "Seconds between batches."
  type        = number
  default     = 10

  validation {
    condition     = var.trace_export_interval > 0
    error_message = "trace_export_interval must be more than 0 seconds."
  }
}

variable "stream_timeout_seconds" {
  description = "Seconds that a stream waits for a missing segment, and an exchange for its response."
  type        = number
  default     = 10

  validation {
    condition     = var.stream_timeout_seconds > 0
    error_message = "stream_timeout_seconds must be more than 0."
  }
}

variable "extra_flags" {
  description = "Further flags of apidump, word by word, such as [\"--path-exclusions\", \"^/health$\"]."
  type        = list(string)
  default     = []
}

variable "task_cpu" {
  description = "CPU units of the whole task; null where the task sets none (EC2 launch type)."
  type        = number
  default     = null
}

variable "task_memory" {
  description = "MiB of the whole task; null where the task sets none (EC2 launch type)."
  type        = number
  default     = null
}

variable "reserved_cpu" {
  description = "CPU units that the task's other containers ask for."
  type        = number
  default     = 0
}

variable "reserved_memory" {
  description = "MiB that the task's other containers reserve."
  type        = number
  default     = 0
}

variable "cpu_percentage_limit" {
  description = "Share of the task's CPU for the sensor, in percent. It gets at least 64 units."
  type        = number
  default     = 5

  validation {
    condition     = var.cpu_percentage_limit > 0 && var.cpu_percentage_limit <= 100
    error_message = "cpu_percentage_limit must be more than 0 and at most 100."
  }
}

variable "memory_percentage_limit" {
  description = "Share of the task's memory for the sensor, in percent. It gets at least 200 MiB."
  type        = number
  default     = 5

  validation {
    condition     = var.memory_percentage_limit > 0 && var.memory_percentage_limit <= 100
    error_message = "memory_percentage_limit must be more than 0 and at most 100."
  }
}
