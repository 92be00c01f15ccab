// Package simulation measures how fast the SDK is at model pods that limit requests, fail
// or go away: minutes of traffic in a testing/synctest bubble.
package simulation
