// Package gateway tests calls of package symphony to a pod behind nginx, a common gateway:
// nginx's own responses, connections that it ends, and a bulk run while the pod behind it
// goes away.
package gateway
