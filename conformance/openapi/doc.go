// Package openapi tests package symphony and the pod of package symphonytest against one
// document, presence.openapi.yaml, instead of against each other. Its tests put a
// validating proxy between the two, and let Prism serve the document to the SDK.
package openapi
