/* store-dir keeps each epoch's journal as one stream of records.
 *
 * The stream's key is the epoch in 32 lower case hexadecimal digits. A put is one record,
 * whose numbers are the seqs of its entries:
 *
 *	body   for each wrapped key: session handle (32), u32 part; then the entries
 *	slots  the wrapped keys, in the same order
 *
 * A put is durable when it succeeds, keys and entries in one write. A seq that is taken is
 * a conflict, whatever stands there. Erasing a key destroys its slot and leaves the rest
 * of the record; a put that is repeated later meets the record and cannot bring the key
 * back.
 *
 * It has no state. What a call needs beside its request lies behind that in memory.
 */
#include "../../sdk/plugin/c/sto.h"

#define EPOCH 16u
#define HEX (2 * EPOCH)
#define ID 36u /* of a wrapped key in a body: session handle and part */
#define END UINT64_MAX

/* ROOM is memory for the requests of ordinary puts, some 3,000 entries. It is taken in
 * configure and belongs to the image. A greater put costs the instance. */
#define ROOM (256u << 10)

STO_MARKER

_Alignas(16) static struct {
	sto_reply head;
	sto_item items[STO_MAX_ITEMS];
} reply;

static uint8_t listing[4096]; /* over a hundred keys */

static uint64_t end(uint32_t status, uint32_t items) { return sto_end(&reply.head, status, items); }

RDX_EXPORT("sto_alloc") uint32_t alloc(uint32_t len) { return rdx_heap(0, len); }

/* behind returns the address of size bytes behind the request, or 0. */
static uint8_t *behind(uint32_t request_len, uint64_t size) {
	if (size > RDX_MAX_MESSAGE) return 0;
	return (uint8_t *)(uintptr_t)rdx_heap(request_len + RDX_TAIL, (uint32_t)size);
}

static uint32_t skip_space(const uint8_t *text, uint32_t len, uint32_t at) {
	while (at < len && (text[at] == ' ' || text[at] == '\t' || text[at] == '\r' || text[at] == '\n')) at++;
	return at;
}

/* There is nothing to configure: the directory is the operator's. Accepted are no bytes,
 * and an empty object of JSON. */
RDX_EXPORT("sto_configure") int32_t configure(const uint8_t *text, uint32_t len) {
	if (!rdx_heap(0, ROOM)) return 2;
	if (len == 0) return 0;
	uint32_t at = skip_space(text, len, 0);
	if (at == len || text[at] != '{') return 1;
	at = skip_space(text, len, at + 1);
	if (at == len || text[at] != '}') return 1;
	return skip_space(text, len, at + 1) != len;
}

/* Streams need no preparation; a listing shows whether the storage answers at all. */
RDX_EXPORT("sto_migrate") int32_t migrate(void) { return stream_list(0, 0, 0, 0, 0, listing, sizeof listing) < 0; }

static void stream_key(uint8_t key[HEX], const uint8_t epoch[EPOCH]) {
	for (uint32_t i = 0; i < EPOCH; i++) {
		key[2 * i] = "0123456789abcdef"[epoch[i] >> 4];
		key[2 * i + 1] = "0123456789abcdef"[epoch[i] & 15];
	}
}

static int nibble(uint8_t c) {
	if (c >= '0' && c <= '9') return c - '0';
	if (c >= 'a' && c <= 'f') return c - 'a' + 10;
	return -1;
}

/* parse_key is the inverse of stream_key, and 0 for any other key. */
static int parse_key(const uint8_t *key, uint32_t len, uint8_t epoch[EPOCH]) {
	if (len != HEX) return 0;
	for (uint32_t i = 0; i < EPOCH; i++) {
		int high = nibble(key[2 * i]), low = nibble(key[2 * i + 1]);
		if (high < 0 || low < 0) return 0;
		epoch[i] = (uint8_t)(high << 4 | low);
	}
	return 1;
}

RDX_EXPORT("sto_put") uint64_t put(const uint8_t *request, uint32_t len) {
	if (!sto_valid(request, len, STO_PUT) || !sto_follows(request)) return end(STO_BAD_REQUEST, 0);
	const sto_request *h = (const sto_request *)request;
	const sto_entry *e = sto_entries(request);
	const sto_key *k = sto_keys(request);
	uint32_t n_body = h->n_entries + (h->n_keys > 0), n = n_body + h->n_keys;
	uint8_t *room = behind(len, (uint64_t)n * 4 + (uint64_t)h->n_keys * ID);
	if (!room) return end(STO_UNAVAILABLE, 0);
	uint32_t *handles = (uint32_t *)room, *body = handles;
	if (h->n_keys > 0) {
		uint8_t *ids = (uint8_t *)(handles + n);
		for (uint32_t i = 0; i < h->n_keys; i++) {
			if (!sto_same(k[i].epoch, e->epoch, EPOCH)) return end(STO_BAD_REQUEST, 0);
			__builtin_memcpy(ids + i * ID, (const uint8_t *)&k[i] + __builtin_offsetof(sto_key, session), ID);
			handles[n_body + i] = k[i].handle;
		}
		int32_t made = payload_new(ids, h->n_keys * ID);
		if (made < 0) return end(sto_status(made), 0);
		*body++ = (uint32_t)made;
	}
	for (uint32_t i = 0; i < h->n_entries; i++) body[i] = e[i].handle;
	uint8_t key[HEX];
	stream_key(key, e->epoch);
	return end(sto_status(stream_append(key, HEX, e->seq, e->seq + h->n_entries - 1, handles, n, h->n_keys)), 0);
}

/* search looks for a wrapped key in one record, and sets its slot. */
static uint32_t search(const uint8_t key[HEX], const sto_selector *s, const sto_record *r, uint32_t request_len, uint32_t *slot) {
	if (r->slots == 0) return STO_NOT_FOUND;
	uint8_t *ids = behind(request_len, (uint64_t)r->slots * ID);
	if (!ids) return STO_UNAVAILABLE;
	int64_t body = stream_read(key, HEX, r->first, 0);
	if (body < 0) return sto_status(body);
	uint32_t handle = (uint32_t)(body >> 32), size = r->slots * ID;
	int32_t n = payload_read(handle, 0, ids, size), freed = payload_free(handle);
	if (n < 0) return sto_status(n);
	if (freed < 0) return sto_status(freed);
	if ((uint32_t)n < size) return STO_UNAVAILABLE;
	for (uint32_t i = 0; i < r->slots; i++) {
		uint32_t part;
		__builtin_memcpy(&part, ids + i * ID + sizeof s->session, sizeof part);
		if (part == s->part && sto_same(ids + i * ID, s->session, sizeof s->session)) {
			*slot = i;
			return STO_OK;
		}
	}
	return STO_NOT_FOUND;
}

/* find looks for a wrapped key, erased or not: in the record that the hint points at,
 * then in all, from the last one backwards. */
static uint32_t find(const uint8_t key[HEX], const sto_selector *s, uint32_t request_len, uint64_t *first, uint32_t *slot) {
	int hinted = s->seq > 0;
	uint64_t number = hinted ? s->seq : END;
	for (;;) {
		sto_record r = {0};
		int32_t found = stream_find(key, HEX, number, &r);
		if (found < 0 && !(hinted && found == -STO_E_NO_ENTRY)) return sto_status(found);
		if (found >= 0) {
			uint32_t status = search(key, s, &r, request_len, slot);
			*first = r.first;
			if (status != STO_NOT_FOUND) return status;
		}
		if (hinted) {
			hinted = 0;
			number = END;
		} else if (r.first == 0) {
			return STO_NOT_FOUND;
		} else {
			number = r.first - 1;
		}
	}
}

/* chunk returns the entries of the record with the greatest first seq up to s->seq: its
 * body behind the ids. */
static int64_t chunk(const uint8_t key[HEX], const sto_selector *s, uint64_t *first) {
	sto_record r;
	int32_t found = stream_find(key, HEX, s->seq, &r);
	if (found < 0) return found;
	int64_t body = stream_read(key, HEX, r.first, 0);
	if (body < 0) return body;
	*first = r.first;
	uint32_t handle = (uint32_t)(body >> 32), size = (uint32_t)body;
	uint64_t ids = (uint64_t)ID * r.slots;
	if (ids == 0) return handle;
	if (size < ids) return -STO_E_DAMAGED; /* it was not written by us */
	return payload_slice(handle, (uint32_t)ids, size - (uint32_t)ids);
}

RDX_EXPORT("sto_get") uint64_t get(const uint8_t *request, uint32_t len) {
	if (!sto_valid(request, len, STO_GET)) return end(STO_BAD_REQUEST, 0);
	const sto_selector *s = sto_select(request);
	uint8_t key[HEX];
	stream_key(key, s->epoch);
	uint64_t first = 0;
	int64_t handle;
	if (s->what == STO_ENTRY) {
		handle = chunk(key, s, &first);
	} else if (s->what == STO_KEY) {
		uint32_t slot, status = find(key, s, len, &first, &slot);
		if (status != STO_OK) return end(status, 0);
		handle = stream_read(key, HEX, first, slot + 1);
		if (handle >= 0) handle >>= 32;
	} else {
		return end(STO_BAD_REQUEST, 0);
	}
	if (handle < 0) return end(sto_status(handle), 0);
	sto_item *item = reply.items;
	*item = (sto_item){.handle = (uint32_t)handle, .seq = first};
	__builtin_memcpy(item->epoch, s->epoch, EPOCH);
	return end(STO_OK, 1);
}

RDX_EXPORT("sto_delete") uint64_t erase(const uint8_t *request, uint32_t len) {
	if (!sto_valid(request, len, STO_DELETE)) return end(STO_BAD_REQUEST, 0);
	const sto_selector *s = sto_select(request);
	if (s->what != STO_KEY) return end(STO_BAD_REQUEST, 0);
	uint8_t key[HEX];
	stream_key(key, s->epoch);
	uint64_t first = 0;
	uint32_t slot, status = find(key, s, len, &first, &slot);
	if (status != STO_OK) return end(status, 0);
	return end(sto_status(stream_erase(key, HEX, first, slot + 1)), 0);
}

static int before(const uint8_t a[EPOCH], const uint8_t b[EPOCH]) {
	for (uint32_t i = 0; i < EPOCH; i++)
		if (a[i] != b[i]) return a[i] < b[i];
	return 0;
}

/* An epoch whose end is damaged has the greatest seq there is, so that whoever reads it
 * goes on until it meets the damage. */
RDX_EXPORT("sto_list") uint64_t list(const uint8_t *request, uint32_t len) {
	static const uint8_t zero[EPOCH];
	if (!sto_valid(request, len, STO_LIST)) return end(STO_BAD_REQUEST, 0);
	const sto_selector *s = sto_select(request);
	if (s->what != STO_EPOCHS) return end(STO_BAD_REQUEST, 0);
	uint8_t cursor[STO_MAX_KEY];
	uint32_t cursor_len = HEX, items = 0;
	stream_key(cursor, s->epoch);
	if (s->flags & 1) cursor_len = sto_same(s->epoch, zero, EPOCH) ? 0 : HEX - 1; /* any key of this epoch is greater */
	for (;;) {
		int64_t n = stream_list(0, 0, cursor, cursor_len, 0, listing, sizeof listing);
		if (n < 0) return end(sto_status(n), 0);
		if (n == 0) return end(STO_OK, items);
		for (const uint8_t *at = listing, *stop = listing + n; at < stop; at += cursor_len) {
			cursor_len = *at++;
			if (cursor_len == 0 || cursor_len > sizeof cursor || at + cursor_len > stop) return end(STO_UNAVAILABLE, 0);
			__builtin_memcpy(cursor, at, cursor_len);
			uint8_t epoch[EPOCH];
			if (!parse_key(cursor, cursor_len, epoch) || before(epoch, s->epoch)) continue; /* not ours */
			sto_record r;
			int32_t found = stream_find(cursor, cursor_len, END, &r);
			if (found < 0 && found != -STO_E_DAMAGED) return end(sto_status(found), 0);
			sto_item *item = &reply.items[items++];
			*item = (sto_item){.seq = found < 0 ? END : r.first};
			__builtin_memcpy(item->epoch, epoch, EPOCH);
			if (items == STO_MAX_ITEMS) return end(STO_OK, items);
		}
	}
}
