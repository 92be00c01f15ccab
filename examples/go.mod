module github.com/symphony-go/symphony/examples

go 1.26.0

require (
	github.com/stretchr/testify v1.12.1
	github.com/symphony-go/symphony v0.1.0
	github.com/symphony-go/symphony/bdkconfig v0.1.0
	golang.org/x/sys v0.49.0
	golang.org/x/term v0.47.0
	golang.org/x/text v0.44.0
)

require (
	github.com/golang-jwt/jwt/v5 v5.3.1 // indirect
	github.com/hashicorp/go-cleanhttp v0.5.2 // indirect
	github.com/hashicorp/go-retryablehttp v0.7.8 // indirect
	go.yaml.in/yaml/v3 v3.0.6 // indirect
	golang.org/x/crypto v0.58.0 // indirect
	software.sslmate.com/src/go-pkcs12 v0.7.4 // indirect
)

replace (
	github.com/symphony-go/symphony => ../
	github.com/symphony-go/symphony/bdkconfig => ../bdkconfig
)
