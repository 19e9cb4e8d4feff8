#!/bin/sh
# Before removing, of deb ("remove", "upgrade") and rpm (how many will be left): an upgrade goes on running until it is over.
set -eu
case ${1-} in
  remove | 0) ;;
  *) exit 0 ;;
esac
command -v systemctl >/dev/null || exit 0
# dpkg tells an installation over what a removal left nothing that it does not tell an upgrade.
if systemctl --quiet is-enabled levo-pcap-sensor.service 2>/dev/null; then
  mkdir -p /var/lib/levo-pcap-sensor && : >/var/lib/levo-pcap-sensor/was-enabled
fi
if [ -d /run/systemd/system ]; then systemctl stop levo-pcap-sensor.service || :; fi
systemctl --quiet disable levo-pcap-sensor.service || :
