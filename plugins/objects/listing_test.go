package objects

import (
	"reflect"
	"strings"
	"testing"

	"github.com/veriproof/notary/sdk/plugin/abi"
	"github.com/veriproof/notary/sdk/plugin/plugintest"
)

var azure = Tags{Root: "EnumerationResults", Item: "Blob", Name: "Name", Group: "BlobPrefix", Begin: "Name", Next: "NextMarker"}

const listing = "\ufeff<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults ServiceEndpoint=\"https://x/\" ContainerName=\"c\"><Prefix>e-</Prefix><Name>no</Name><Blobs>" +
	"<Blob><Name>e-1</Name><Properties><Etag>&quot;1&quot;</Etag></Properties></Blob><Blob><Name>E&amp;2</Name></Blob><Blob>\n <Name Encoded=\"true\">e%2D3</Name></Blob>" +
	"<BlobPrefix><Name>e-aa-</Name></BlobPrefix><Blob><Name>e-4</Name><OrMetadata /></Blob></Blobs><NextMarker>2!a&amp;b=</NextMarker></EnumerationResults>"

func TestListing(t *testing.T) {
	host := plugintest.NewHost()
	r := NewListingReader(azure, host)
	for _, tc := range []struct {
		text    string
		grouped bool
		want    *Page
	}{
		{listing, false, &Page{Names: []string{"e-1", "e-4"}, Next: "2!a&b="}},
		{listing, true, &Page{Names: []string{"e-aa-"}, Next: "2!a&b="}},
		{strings.Replace(listing, "<NextMarker>2!a&amp;b=</NextMarker>", "<NextMarker />", 1), true, &Page{Names: []string{"e-aa-"}}},
		{strings.Replace(listing, "<NextMarker>2!a&amp;b=</NextMarker>", "", 1), true, &Page{Names: []string{"e-aa-"}}},
		{"<EnumerationResults></EnumerationResults>", false, &Page{}},
		{strings.Replace(listing, "<Blobs>", "<Blobs>"+strings.Repeat(" ", 2*ListingRoom), 1), true, &Page{Names: []string{"e-aa-"}, Next: "2!a&b="}},
		{"", false, nil},
		{"<html></html>", false, nil},
		{strings.Replace(listing, "2!", strings.Repeat("x", MaxMark), 1), false, nil},
	} {
		handle := uint32(0)
		if tc.text != "" {
			handle = host.Handle([]byte(tc.text))
		}
		page, status := r.Read(handle, uint32(len(tc.text)), tc.grouped)
		if (tc.want == nil) != (status == abi.StoUnavailable) || tc.want != nil && !reflect.DeepEqual(page, tc.want) {
			t.Errorf("%.80q: %+v, status %d; want %+v", tc.text, page, status, tc.want)
		}
	}
	if _, status := r.Read(host.Handle([]byte("x")), MaxListing+1, false); status != abi.StoUnavailable {
		t.Errorf("a listing of too many bytes: status %d", status)
	}
}

// TestListingCutOff: a document that breaks off anywhere is not taken for one that
// ends there.
func TestListingCutOff(t *testing.T) {
	for n := range len(listing) - 1 {
		if page, ok := azure.parse([]byte(listing[:n]), false); ok {
			t.Fatalf("cut at %d: %+v", n, page)
		}
	}
}

func FuzzListing(f *testing.F) {
	f.Add([]byte(listing), true)
	f.Add([]byte("<Blob><Name>"), false)
	f.Fuzz(func(t *testing.T, text []byte, grouped bool) {
		page, ok := azure.parse(text, grouped)
		if !ok {
			return
		}
		if len(page.Next) > MaxMark {
			t.Fatalf("a mark of %d bytes", len(page.Next))
		}
		for _, name := range page.Names {
			if !abi.ValidBlobPrefix([]byte(name)) {
				t.Fatalf("name %q", name)
			}
		}
	})
}
