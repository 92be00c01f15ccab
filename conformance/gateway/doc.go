// Package gateway has package symphony call a pod through a gateway that is in
// production everywhere, nginx: how it responds by itself, how it ends connections,
// and what becomes of a bulk run when the pod behind it goes away.
package gateway
