#!/bin/sh
# The sensor under the name that older container definitions use: ./levo_pcap_sensor.sh apidump …
set -eu
exec "$(dirname "$(readlink -f "$0")")/bin/init" "$@"
