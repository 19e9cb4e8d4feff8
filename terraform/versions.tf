terraform {
  # `for_each` in an import block needs 1.7.
  required_version = ">= 1.7"

  required_providers {
    aws = {
      source = "hashicorp/aws"
      # The data source exposes volumes, runtime platform, proxy and the like since the late 5.x.
      version = ">= 5.100.0"
    }
  }
}

provider "aws" {
  region = var.aws_region
}
