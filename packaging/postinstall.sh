#!/bin/sh
# After installing or upgrading, of deb ("configure", with the old version if there was one) and rpm (how many there are).
set -eu
user=levo-pcap-sensor
config=/etc/levo/config/pcap-sensor/config.yaml

case ${1-} in
  configure) was_there=${2-} ;;
  1) was_there= ;;
  2) was_there=yes ;;
  *) exit 0 ;;
esac

getent group "$user" >/dev/null || groupadd --system "$user"
getent passwd "$user" >/dev/null ||
  useradd --system --gid "$user" --no-create-home --home-dir /var/lib/levo-pcap-sensor --shell /usr/sbin/nologin "$user"
# It may hold headers with credentials. Its owner is left as it is.
if [ -f "$config" ]; then
  chgrp "$user" "$config"
  [ -n "$was_there" ] || chmod 0640 "$config"
fi

# Removed before and not purged: it is enabled again, unless somebody had disabled it.
if [ -e /var/lib/levo-pcap-sensor/was-enabled ]; then
  rm -f /var/lib/levo-pcap-sensor/was-enabled
  was_there=
fi

command -v systemctl >/dev/null || exit 0
runs=
if [ -d /run/systemd/system ]; then
  runs=yes
  systemctl daemon-reload || :
fi
if [ -z "$was_there" ]; then
  systemctl --quiet enable levo-pcap-sensor.service || :
  # Without somewhere to send to it would end at once.
  if [ -n "$runs" ] && grep -Eqs '^(satellite-url|output|write):' "$config"; then
    systemctl start levo-pcap-sensor.service || :
  else
    echo "levo-pcap-sensor: set satellite-url in $config, then: systemctl restart levo-pcap-sensor"
  fi
elif [ -n "$runs" ]; then
  systemctl try-restart levo-pcap-sensor.service || :
fi
