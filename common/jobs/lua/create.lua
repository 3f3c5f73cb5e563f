-- ARGV: owner, jobs (JSON: [{id, head without times}]), what a repeat is answered, idempotency key ('' for none), body
-- digest, key ttl s, most jobs waiting, most jobs of the owner. All jobs are made, or none.
-- Returns {'created' | 'replayed' | 'key_reused' | 'owner_full' | 'server_full', answer}.
local owner, jobs, answer, key, digest = ARGV[1], cjson.decode(ARGV[2]), ARGV[3], ARGV[4], ARGV[5]
local known, before = known_request(owner, key, digest)
if known then return { known, before } end
if redis.call('EXISTS', 'job:' .. jobs[1].id) == 1 then
  return { 'created', answer }  -- the same call came twice
end
local full = refused(circle(jobs[1].head), #jobs, tonumber(ARGV[7]), tonumber(ARGV[8]))
if full then return { full, '' } end
local now = now_ms()
for _, job in ipairs(jobs) do
  local head = job.head
  head.created = now
  redis.call('HSET', 'job:' .. job.id, 'version:1', cjson.encode({ at = now, cause = 'request' }))
  await_place(job.id, head, now)
  emit(job.id, head, 'job', cjson.encode({ state = head.state }), now)
  save_head(job.id, head)
  if head.aside ~= 1 then redis.call('ZADD', 'jobs:' .. owner, 0, job.id) end
end
keep_request(owner, key, digest, answer, ARGV[6])
return { 'created', answer }
