package auth

import (
	"errors"
	"io/fs"
	"os"

	"github.com/symphony-go/symphony"
	"github.com/symphony-go/symphony/internal/keyfile"
)

var variables = names{
	"environment", "SYMPHONY_POD_URL", "SYMPHONY_LOGIN_URL", "SYMPHONY_SESSION_AUTH_URL", "SYMPHONY_USERNAME",
	"SYMPHONY_PRIVATE_KEY", "SYMPHONY_CERTIFICATE", "SYMPHONY_SESSION_TOKEN",
}

// ConfigFromEnv returns the Config that environment variables describe; getenv is
// usually [os.Getenv]. A variable that is empty counts as not set.
//
//	SYMPHONY_POD_URL           Config.PodURL
//	SYMPHONY_LOGIN_URL         Config.LoginURL
//	SYMPHONY_SESSION_AUTH_URL  Config.SessionAuthURL
//	SYMPHONY_USERNAME          Config.Username
//	SYMPHONY_PRIVATE_KEY       Config.Key: PEM text as ParseRSAPrivateKey reads it, or the path of a file with it
//	SYMPHONY_CERTIFICATE       Config.Certificate: the path of a PEM file with a certificate, its chain and its private key, in any order
//	SYMPHONY_SESSION_TOKEN     Config.SessionToken
//
// Variables that are missing, contradictory or wrong are an
// [*symphony.InvalidArgumentError] that names them and shows none of their values.
func ConfigFromEnv(getenv func(string) string) (Config, error) {
	if getenv == nil {
		return Config{}, &symphony.InvalidArgumentError{Argument: "getenv", Reason: "it is nil; os.Getenv reads the environment"}
	}
	config := Config{
		PodURL:         getenv(variables.podURL),
		LoginURL:       getenv(variables.loginURL),
		SessionAuthURL: getenv(variables.sessionAuthURL),
		Username:       getenv(variables.username),
		SessionToken:   getenv(variables.sessionToken),
	}
	if value := getenv(variables.key); value != "" {
		text, err := readVariable(variables.key, value)
		if err != nil {
			return Config{}, err
		}
		key, err := ParseRSAPrivateKey(text)
		if err != nil {
			return Config{}, invalidVariable(variables.key, err)
		}
		config.Key = key
	}
	if value := getenv(variables.certificate); value != "" {
		text, err := readVariable(variables.certificate, value)
		if err != nil {
			return Config{}, err
		}
		pair, err := keyfile.PEMPair(text)
		if err != nil {
			return Config{}, invalidVariable(variables.certificate, err)
		}
		config.Certificate = &pair
	}
	if err := config.check(variables); err != nil {
		return Config{}, err
	}
	return config, nil
}

// readVariable returns a value that is PEM text, or the file that the value names. The
// error shows no path: part of a key may stand there.
func readVariable(name, value string) ([]byte, error) {
	if keyfile.IsPEM([]byte(value)) {
		return []byte(value), nil
	}
	text, err := os.ReadFile(value) //nolint:gosec // the environment names the file
	if pathError, ok := errors.AsType[*fs.PathError](err); ok {
		err = pathError.Err
	}
	if err != nil {
		return nil, &symphony.InvalidArgumentError{Argument: name, Reason: "it is neither PEM text nor the path of a file that can be read: " + err.Error()}
	}
	return text, nil
}

func invalidVariable(name string, err error) error {
	reason := err.Error()
	if invalid, ok := errors.AsType[*symphony.InvalidArgumentError](err); ok {
		reason = invalid.Reason
	}
	return &symphony.InvalidArgumentError{Argument: name, Reason: reason}
}
