// Package oapi is the client that oapi-codegen generates from the OpenAPI description.
// Git ignores the code; this file keeps what it imports in go.mod.
package oapi

import _ "github.com/oapi-codegen/runtime" // the generated code imports it

//go:generate go run github.com/oapi-codegen/oapi-codegen/v2/cmd/oapi-codegen@v2.8.2 -generate types,client -package oapi -o client.gen.go ../../../conformance/presence.openapi.yaml
