// Package faults holds only tests: of calls over a network that delays, cuts, slows down,
// swallows or refuses what goes over it. Each fault is made by a toxic of
// Shopify/toxiproxy between a client and a pod in memory. Each test states the result of
// a call, its number of attempts and its time. No goroutine is left.
package faults
