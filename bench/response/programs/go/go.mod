module pcap-sensor/bench/response

go 1.24
