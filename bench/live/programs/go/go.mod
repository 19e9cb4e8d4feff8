module live

go 1.25

require golang.org/x/sys v0.38.0
