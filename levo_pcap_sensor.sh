#!/bin/sh
# The sensor under the name older container definitions start it by: ./levo_pcap_sensor.sh apidump …
set -eu
exec "$(dirname "$(readlink -f "$0")")/bin/init" "$@"
