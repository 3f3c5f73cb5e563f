-- ARGV: job, expected rev (-1: any), expected version, has it ended ('1' or '0'), change (JSON):
--   wish        'resume', 'edit', 'regenerate' or 'restore'
--   head        {field: value}
--   steps       {name: {field: value}}
--   saved       what the change saw of the head
--   most_waiting, most_of_owner
--   request     {key, digest, answer, seconds}: idempotency key ('' for none), and what a repeat is answered
-- Makes a job that has ended run again, or gives one that runs a new version (head.version).
-- Returns 'ok', 'conflict' (read again), 'unarchived' (what ended has no manifest yet, and would be lost), 'cancelling',
-- 'replayed', 'key_reused', 'owner_full' or 'server_full'.
local job, change = ARGV[1], cjson.decode(ARGV[5])
local head, request = load_head(job), change.request
local known = head and known_request(head.owner, request.key, request.digest)
if known then return known end
local ended = ARGV[4] == '1'
if not head or head.version ~= tonumber(ARGV[3]) or (TERMINAL[head.state] or false) ~= ended then return 'conflict' end
if tonumber(ARGV[2]) >= 0 and head.rev ~= tonumber(ARGV[2]) then return 'conflict' end
if head.saved ~= change.saved then return 'conflict' end
if not ended and head.cancel == 1 then return 'cancelling' end
if ended then
  if redis.call('ZSCORE', 'archive', job) then return 'unarchived' end
  local full = refused(circle(head), 1, change.most_waiting, change.most_of_owner)
  if full then return full end
end
local steps = {}
for name, patch in pairs(change.steps) do
  local fields = load_step(job, name) or { attempt = 0, token = 0, lease = 0, not_before = 0, done = 0 }
  if patch.state then move(STEP_MOVES, fields, patch.state) end
  for field, value in pairs(patch) do fields[field] = value end
  fields.lease = 0
  fields.worker = ''
  steps[name] = fields
end
local now = now_ms()
local key = 'job:' .. job
local before = cjson.decode(redis.call('HGET', key, 'version:' .. head.version) or '{}')
for field, value in pairs(change.head) do head[field] = value end
if head.version ~= tonumber(ARGV[3]) then
  if not before.state or before.state == '' then
    before.state = 'superseded'
    before.finished = now
    redis.call('HSET', key, 'version:' .. ARGV[3], cjson.encode(before))
  end
  redis.call('HSET', key, 'version:' .. head.version, cjson.encode({ at = now, cause = change.wish }))
else
  before.state = ''
  before.finished = 0
  redis.call('HSET', key, 'version:' .. head.version, cjson.encode(before))
end
head.rev = head.rev + 1
emit(job, head, 'wish', cjson.encode({ wish = change.wish, version = head.version }), now)
for name, fields in pairs(steps) do
  save_step(job, name, fields)
  local state = change.steps[name].state
  if state then emit(job, head, 'step', cjson.encode({ step = name, state = state }), now) end
end
if ended then
  await_place(job, head, now)
  emit(job, head, 'job', cjson.encode({ state = head.state }), now)
else
  if head.started > 0 then head.deadline = now + head.timeout end  -- what is asked for now has its time, too
  wake(job, now)
end
save_head(job, head)
keep_request(head.owner, request.key, request.digest, request.answer, request.seconds)
return 'ok'
