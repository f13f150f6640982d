module seedbed/components/sample

go 1.24
