-- ARGV: owner, idempotency key, body digest, what a repeat is answered, key ttl s. For a request that changed nothing.
-- Returns {'ok' | 'replayed' | 'key_reused', answer}.
local known, before = known_request(ARGV[1], ARGV[2], ARGV[3])
if known then return { known, before } end
keep_request(ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5])
return { 'ok', ARGV[4] }
