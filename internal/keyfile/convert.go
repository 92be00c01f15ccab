package keyfile

// The command that converts a Java keystore to PKCS#12.
const fromKeystore = "keytool -importkeystore -srckeystore store.jks -destkeystore store.p12 -deststoretype PKCS12"

// ToKey returns the command that converts a file to a private key in PEM, in parentheses
// and after a blank; "" if there is none.
func (f Format) ToKey() string {
	switch f {
	case Base64PEM:
		return " (base64 -d key.txt > key.pem decodes it)"
	case Base64DER:
		return " (openssl base64 -d -in key.txt | openssl pkey -inform DER -out key.pem converts it if it is a key)"
	case PrivateKey:
		return " (openssl pkey -inform DER -in key.der -out key.pem converts it)"
	case EncryptedKey:
		return " (openssl pkey -inform DER -in key.der -out key.pem decrypts it)"
	case PKCS12, BERPKCS12:
		return " (openssl pkcs12 -in store.p12 -nocerts -nodes -out key.pem extracts its key)"
	case Keystore:
		return " (" + fromKeystore + ", then openssl pkcs12 -in store.p12 -nocerts -nodes -out key.pem extracts its key)"
	case PuTTY:
		return " (puttygen key.ppk -O private-openssh -o key.pem, then ssh-keygen -p -m PEM -f key.pem converts it)"
	}
	return ""
}

// ToPEM is like ToKey, for certificates, with their key if there is one.
func (f Format) ToPEM() string {
	switch f {
	case Base64PEM:
		return " (base64 -d certificate.txt > certificate.pem decodes it)"
	case Base64DER:
		return " (openssl base64 -d -in certificate.txt | openssl x509 -inform DER -out certificate.pem converts it if it is a certificate)"
	case Certificate:
		return " (openssl x509 -inform DER -in certificate.cer -out certificate.pem converts it)"
	case PKCS7:
		return " (openssl pkcs7 -inform DER -print_certs -in certificates.p7b -out certificates.pem converts it)"
	case PKCS12, BERPKCS12:
		return " (openssl pkcs12 -in store.p12 -nodes -out store.pem converts it)"
	case Keystore:
		return " (" + fromKeystore + " converts it to PKCS#12)"
	}
	return ""
}
