#!/bin/sh
# After removing, of deb ("remove", "purge") and rpm (how many are left). The configuration and the spool stay until a purge; rpm
# keeps a changed configuration as config.yaml.rpmsave.
set -eu
case ${1-} in
  remove | 0)
    if [ -d /run/systemd/system ]; then systemctl daemon-reload || :; fi
    ;;
  purge)
    rm -rf /var/lib/levo-pcap-sensor
    if getent passwd levo-pcap-sensor >/dev/null; then userdel levo-pcap-sensor || :; fi
    if getent group levo-pcap-sensor >/dev/null; then groupdel levo-pcap-sensor || :; fi
    rmdir --ignore-fail-on-non-empty /etc/levo/config/pcap-sensor /etc/levo/config /etc/levo 2>/dev/null || :
    ;;
esac
