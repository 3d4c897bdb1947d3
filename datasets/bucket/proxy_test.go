package bucket

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/minio/minio-go/v7/pkg/signer"
)

// fault is what happens to one request on its way through the proxy. The zero value lets it pass.
type fault struct {
	delay   time.Duration
	status  int    // answered by the proxy instead of the server
	code    string // S3 error code to go with status
	drop    bool   // the connection is closed without an answer
	cut     int    // the connection is closed after so many bytes of the body
	stall   int    // nothing comes any more after so many bytes of the body
	shrink  bool   // the answer announces and has one byte less than it should
	without string // a header that the server never sees, as if it did not know it
}

// proxy stands in front of the real server and spoils requests as plan says.
type proxy struct {
	address string
	seen    atomic.Int64 // GET requests
	plan    func(n int64, r *http.Request) fault
	write   func(r *http.Request) fault // plan of PUT and POST; nil lets them pass
}

// newProxy starts a proxy to s. plan gets the number of each GET, from 1 on; other requests pass.
func newProxy(t testing.TB, s *server, plan func(n int64, r *http.Request) fault) *proxy {
	t.Helper()
	p := &proxy{plan: plan}
	transport := &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 64}
	front := httptest.NewUnstartedServer(nil)
	front.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var f fault
		switch {
		case r.Method == http.MethodGet:
			f = p.plan(p.seen.Add(1), r)
		case p.write != nil && (r.Method == http.MethodPut || r.Method == http.MethodPost):
			f = p.write(r)
		}
		p.pass(w, r, f, s, transport)
	})
	front.Config.ErrorLog = log.New(io.Discard, "", 0)
	front.Start()
	t.Cleanup(func() {
		front.CloseClientConnections()
		front.Close()
		transport.CloseIdleConnections()
	})
	p.address = strings.TrimPrefix(front.URL, "http://")
	return p
}

func (p *proxy) pass(w http.ResponseWriter, r *http.Request, f fault, s *server, transport http.RoundTripper) {
	time.Sleep(f.delay)
	switch {
	case f.drop:
		panic(http.ErrAbortHandler)
	case f.status != 0:
		w.WriteHeader(f.status)
		fmt.Fprintf(w, `<Error><Code>%s</Code><Message>as planned, key %s, %s</Message></Error>`, f.code, testKey, testSecret)
		return
	}
	back := httputil.ReverseProxy{
		Rewrite: func(pr *httputil.ProxyRequest) {
			pr.SetURL(&url.URL{Scheme: "http", Host: s.address})
			pr.Out.Host = pr.In.Host // it is signed
			if f.without != "" {
				pr.Out.Header.Del(f.without)
				pr.Out.Header = signer.SignV4(*pr.Out, testKey, testSecret, "", "us-east-1").Header
			}
		},
		Transport:    transport,
		ErrorLog:     log.New(io.Discard, "", 0),
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
		ModifyResponse: func(answer *http.Response) error {
			switch {
			case f.cut > 0:
				answer.Body = struct {
					io.Reader
					io.Closer
				}{io.MultiReader(io.LimitReader(answer.Body, int64(f.cut)), failing{}), answer.Body}
			case f.stall > 0:
				answer.Body = struct {
					io.Reader
					io.Closer
				}{io.MultiReader(io.LimitReader(answer.Body, int64(f.stall)), hanging{r.Context().Done()}), answer.Body}
			case f.shrink:
				answer.ContentLength--
				answer.Header.Set("Content-Length", strconv.FormatInt(answer.ContentLength, 10))
				answer.Body = struct {
					io.Reader
					io.Closer
				}{io.LimitReader(answer.Body, answer.ContentLength), answer.Body}
			}
			return nil
		},
		FlushInterval: -1,
	}
	back.ServeHTTP(w, r)
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("cut as planned") }

type hanging struct{ until <-chan struct{} }

func (h hanging) Read([]byte) (int, error) {
	<-h.until
	return 0, errors.New("hung as planned")
}
