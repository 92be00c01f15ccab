// Package openapi holds package symphony and the pod of package symphonytest to one
// document, presence.openapi.yaml, instead of to each other. Its tests put a
// validating proxy between the two, and have Prism serve the document to the SDK.
package openapi
