package objectstest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
)

// A Bucket is one bucket of S3, as far as an adapter asks: objects, listings of version
// 2, and what it tells of versioning and object lock. It is a handler like [Container].
type Bucket struct {
	Stand
	// Versioning is what the bucket says of it, "Enabled" or "Suspended"; empty: nothing.
	Versioning string
	// Lock is the mode of its default retention, "GOVERNANCE" or "COMPLIANCE"; empty:
	// there is none.
	Lock string
	// Silent refuses to tell either.
	Silent bool
}

// NewBucket returns an empty bucket.
func NewBucket() *Bucket { return &Bucket{Stand: Stand{Base: "/", objects: map[string][]byte{}}} }

func refuse(w http.ResponseWriter, status int, code string) {
	w.WriteHeader(status)
	fmt.Fprintf(w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>%s</Code><Message>no</Message></Error>", code)
}

// ServeHTTP implements http.Handler.
func (b *Bucket) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	name, status, code := b.begin(r)
	q := r.URL.Query()
	switch {
	case status != 0:
		refuse(w, status, code)
	case name != "":
		b.object(w, r, name)
	case r.Method != http.MethodGet:
		refuse(w, 405, "MethodNotAllowed")
	case b.Silent && (q.Has("versioning") || q.Has("object-lock")):
		refuse(w, 403, "AccessDenied")
	case q.Has("versioning") && b.Versioning == "":
		fmt.Fprint(w, `<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"/>`)
	case q.Has("versioning"):
		fmt.Fprintf(w, "<VersioningConfiguration><Status>%s</Status></VersioningConfiguration>", b.Versioning)
	case q.Has("object-lock") && b.Lock == "":
		refuse(w, 404, "ObjectLockConfigurationNotFoundError")
	case q.Has("object-lock"):
		fmt.Fprintf(w, "<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention><Mode>%s</Mode><Days>7</Days></DefaultRetention></Rule></ObjectLockConfiguration>", b.Lock)
	case q.Get("list-type") == "2":
		b.list(w, q.Get("prefix"), q.Get("delimiter"), q.Get("continuation-token"), q.Get("max-keys"))
	default:
		refuse(w, 501, "NotImplemented")
	}
}

func (b *Bucket) object(w http.ResponseWriter, r *http.Request, name string) {
	old, exists := b.objects[name]
	switch r.Method {
	case http.MethodPut:
		data, err := io.ReadAll(r.Body)
		switch match := r.Header.Get("If-Match"); {
		case err != nil:
			refuse(w, 400, "IncompleteBody")
		case exists && r.Header.Get("If-None-Match") == "*", exists && match != "" && match != tag(old):
			refuse(w, 412, "PreconditionFailed")
		case !exists && match != "":
			refuse(w, 404, "NoSuchKey")
		default:
			b.objects[name] = data
			w.Header().Set("ETag", tag(data))
		}
	case http.MethodGet:
		if !exists {
			refuse(w, 404, "NoSuchKey")
			return
		}
		w.Header().Set("ETag", tag(old))
		_, _ = w.Write(old)
	default:
		refuse(w, 405, "MethodNotAllowed")
	}
}

// tag is any function of the bytes.
func tag(data []byte) string { return fmt.Sprintf(`"%x"`, data) }

func (b *Bucket) list(w http.ResponseWriter, prefix, delimiter, from, most string) {
	limit, err := strconv.Atoi(most)
	if err != nil || limit < 1 {
		refuse(w, 400, "InvalidArgument")
		return
	}
	names := slices.DeleteFunc(b.names(prefix, delimiter), func(n string) bool { return n < from })
	var out bytes.Buffer
	fmt.Fprintf(&out, `<?xml version="1.0" encoding="UTF-8"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name><Prefix>%s</Prefix>`, escape(prefix))
	for _, name := range names[:min(limit, len(names))] {
		if _, ok := b.objects[name]; ok {
			fmt.Fprintf(&out, "<Contents><Key>%s</Key><Size>1</Size></Contents>", escape(name))
		} else {
			fmt.Fprintf(&out, "<CommonPrefixes><Prefix>%s</Prefix></CommonPrefixes>", escape(name))
		}
	}
	if len(names) > limit {
		fmt.Fprintf(&out, "<IsTruncated>true</IsTruncated><NextContinuationToken>%s</NextContinuationToken>", escape(names[limit]))
	}
	out.WriteString("</ListBucketResult>")
	_, _ = w.Write(out.Bytes())
}
