-- ARGV: job, step, nonce of this claim, worker, lease ms, queue, ffmpeg build ('' if the step needs none)
-- Returns {'claimed', token, attempt, work, owner} or {reason}.
local job, step, nonce = ARGV[1], ARGV[2], ARGV[3]
local head, fields = load_head(job), load_step(job, step)
if not head or not fields then return { 'gone' } end
if TERMINAL[head.state] or head.cancel == 1 then return { 'called_off' } end
if fields.state == 'running' and fields.nonce == nonce then
  return { 'claimed', fields.token, fields.attempt, fields.work, head.owner }  -- the same call came twice
end
local now = now_ms()
if fields.state ~= 'ready' or fields.not_before > now then return { 'not_ready' } end
local member = ready_member(head, job, step)
if ARGV[7] ~= '' and head.build ~= ARGV[7] then
  redis.call('ZADD', 'ready:' .. ARGV[6], 'XX', now + 500, member)  -- the hint goes back, for another worker
  return { 'other_build' }
end
head.token = head.token + 1
head.rev = head.rev + 1
fields.state = 'running'
fields.attempt = fields.attempt + 1
fields.token = head.token
fields.lease = now + tonumber(ARGV[5])
fields.nonce = nonce
fields.worker = ARGV[4]
fields.failure = nil
local try = fields.attempt + (fields.losses or 0)
emit(job, head, 'step', cjson.encode({ step = step, state = 'running', attempt = try }), now)
save_step(job, step, fields)
save_head(job, head)
redis.call('ZREM', 'ready:' .. ARGV[6], member)
redis.call('ZADD', 'due', 'LT', fields.lease, job)  -- the holder may never be heard of again
if head.state == 'queued' then wake(job, now) end
return { 'claimed', fields.token, fields.attempt, fields.work, head.owner }
