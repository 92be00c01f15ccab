// Package keyfile reads keys and certificates in the forms in which they arrive from
// editors, vaults, environment variables and e-mail.
//
// An error never shows key material: it names blocks, formats and, of a certificate,
// its subject, which is public.
package keyfile
