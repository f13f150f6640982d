module seedbed/components/notification-controller

go 1.24.0

require github.com/fluxcd/notification-controller v1.6.0

replace (
	gopkg.in/yaml.v3 => gopkg.in/yaml.v3 v3.0.1
)
