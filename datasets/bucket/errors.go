package bucket

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"strings"

	"github.com/minio/minio-go/v7"
)

// ErrChanged says that an object is not the one that was opened: somebody replaced it in the bucket. Opening it again reads the
// new one.
var ErrChanged = errors.New("the object was replaced in the bucket since it was opened")

// Failures of one attempt that are worth another.
var (
	errStalled = errors.New("no byte came for too long")
	errShort   = errors.New("the answer has the wrong length")
)

// retryable says whether the same request may succeed later. Whatever comes from below HTTP may, but for names and
// certificates, which somebody has to put right.
func retryable(err error) bool {
	if errors.Is(err, ErrChanged) {
		return false
	}
	var answer minio.ErrorResponse
	if errors.As(err, &answer) {
		switch answer.Code {
		case "SlowDown", "RequestTimeout", "InternalError", "Throttling", "ThrottlingException", "RequestLimitExceeded":
			return true
		}
		switch answer.StatusCode {
		case http.StatusRequestTimeout, http.StatusTooManyRequests:
			return true
		case http.StatusNotImplemented, http.StatusHTTPVersionNotSupported:
			return false
		}
		return answer.StatusCode >= 500
	}
	var (
		name    *net.DNSError
		unknown x509.UnknownAuthorityError
		host    x509.HostnameError
		invalid x509.CertificateInvalidError
		record  tls.RecordHeaderError
	)
	if errors.As(err, &name) && name.IsNotFound || errors.As(err, &unknown) || errors.As(err, &host) || errors.As(err, &invalid) ||
		errors.As(err, &record) {
		return false
	}
	return !strings.Contains(err.Error(), "server gave HTTP response to HTTPS client")
}

// explain turns the failure of a request into an error for the user. Answers of the server are quoted without the
// keys: some servers repeat the request in them.
func (b *Bucket) explain(op string, attempts int, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrChanged) {
		return fmt.Errorf("bucket: %s: %w", op, err)
	}
	if attempts > 1 {
		op = fmt.Sprintf("%s: failed %d times, the last time", op, attempts)
	}
	var answer minio.ErrorResponse
	if !errors.As(err, &answer) {
		return fmt.Errorf("bucket: %s: %w%s", op, err, b.hintForNetwork(err))
	}
	said := fmt.Sprintf("%s (%d %s)", b.redact(answer.Error()), answer.StatusCode, b.redact(answer.Code))
	switch answer.Code {
	case "NoSuchKey", "NotFound":
		return fmt.Errorf("bucket: %s: %s: %w", op, said, fs.ErrNotExist)
	case "NoSuchBucket":
		return fmt.Errorf("bucket: %s: %s; check the name of the bucket and that endpoint %s holds it", op, said, b.cfg.Endpoint)
	case "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "ExpiredToken", "ExpiredTokenException", "InvalidSecurity",
		"XAdminUserNotFound": // of versitygw, with status 404
		return fmt.Errorf("bucket: %s: %s; check the credentials (%s): AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, and "+
			"AWS_SESSION_TOKEN with temporary keys, which expire", op, said, b.source)
	case "RequestTimeTooSkewed":
		return fmt.Errorf("bucket: %s: %s; check the clock of this machine", op, said)
	case "PermanentRedirect", "AuthorizationHeaderMalformed", "InvalidRegion", "IllegalLocationConstraintException":
		return fmt.Errorf("bucket: %s: %s; check the region (AWS_REGION or ?region=), the server names %q and this is %q",
			op, said, b.redact(answer.Region), b.cfg.Region)
	}
	switch answer.StatusCode {
	case http.StatusForbidden:
		return fmt.Errorf("bucket: %s: %s; check that the credentials (%s) may do this in bucket %s; a server that may not list "+
			"the bucket for you also answers so when the object is missing", op, said, b.source, b.cfg.Bucket)
	case http.StatusMovedPermanently, http.StatusTemporaryRedirect:
		return fmt.Errorf("bucket: %s: %s; check the region (AWS_REGION or ?region=) and the endpoint", op, said)
	}
	return fmt.Errorf("bucket: %s: %s", op, said)
}

func (b *Bucket) hintForNetwork(err error) string {
	switch text := err.Error(); {
	case strings.Contains(text, "server gave HTTP response to HTTPS client"):
		return "; write http:// in the endpoint"
	case errors.Is(err, errStalled), errors.Is(err, errShort):
		return ""
	}
	return "; check the endpoint " + b.cfg.Endpoint + " and the network"
}

// redact takes the keys out of a text.
func (b *Bucket) redact(text string) string {
	for _, secret := range []string{b.keys.SecretKey, b.keys.SessionToken, b.keys.AccessKey} {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "[key]")
		}
	}
	return text
}
