-- ARGV: job, step, nonce of this claim, worker, lease ms, queue, and each toolchain the worker has for such steps
-- Returns {'claimed', token, attempt, work, owner, spec, last ('1' or '0'), ticket, toolchain} or {reason}. `last`:
-- nothing else waits in the queue but what is soon done, and no step of this kind is still to come in this job.
local GLANCE = 8
local job, step, nonce, queue = ARGV[1], ARGV[2], ARGV[3], ARGV[6]
-- Whether steps of this kind wait for others. They are in no ring yet, but soon may be: the first segment of a film is
-- ready a moment before the rest. A head that was last saved before there was `waiting` tells of none.
local function more_to_come(head)
  local kind = step:match('^[^:]*')
  return (' ' .. (head.waiting or '') .. ' '):find(' ' .. kind .. ' ', 1, true) ~= nil
end
local function soon_done(member) return LATE[member:match('[^/]*$'):match('^[^:]*')] end
-- Whether nothing is ready but steps of kinds in LATE, as far as that is seen at a glance: of one job, and hinted at.
local function only_late()
  local ring = 'ready:' .. queue
  for _ = 1, JOBS do
    local inside = redis.call('ZRANGE', ring, 0, 1)
    if #inside > 1 then return false end
    ring = ring .. ':' .. (inside[1] or '')
  end
  -- they come last, so the first tells of all
  local first = redis.call('ZRANGE', ring, 0, 0)[1]
  if first and not soon_done(first) then return false end
  local hinted = redis.call('ZRANGE', 'later:' .. queue, 0, GLANCE)
  for _, member in ipairs(hinted) do
    if not soon_done(member) then return false end
  end
  return #hinted <= GLANCE
end
local function offered(toolchain)
  for index = 7, #ARGV do
    if ARGV[index] == toolchain then return true end
  end
  return false
end
local function granted(head, fields, spec)
  local waits = not only_late() or more_to_come(head)
  local last = waits and '0' or '1'
  return {
    'claimed', fields.token, fields.attempt, fields.work, head.owner, spec, last, fields.ticket or '', fields.needs or ''
  }
end
local head, fields = load_head(job), load_step(job, step)
if not head or not fields then return { 'gone' } end
if TERMINAL[head.state] or head.cancel == 1 then return { 'called_off' } end
local spec = redis.call('HGET', 'job:' .. job .. ':spec', step)
if fields.state == 'running' and fields.nonce == nonce and spec then
  return granted(head, fields, spec)  -- the same call came twice
end
local now = now_ms()
if fields.state ~= 'ready' or fields.not_before > now then return { 'not_ready' } end
if not offered(fields.needs or '') then
  -- the hint goes back, for another worker
  redis.call('ZADD', 'later:' .. queue, 'XX', now + 500, ready_member(head, job, step))
  return { 'other_build' }
end
head.token = head.token + 1
if not spec then
  move(STEP_MOVES, fields, 'waiting')  -- nobody knows what is to be done; the next decision gives it a spec again
  head.rev = head.rev + 1
  emit(job, head, 'step', cjson.encode({ step = step, state = 'waiting' }), now)
  save_step(job, step, fields)
  save_head(job, head)
  wake(job, now)
  return { 'no_spec' }
end
move(STEP_MOVES, fields, 'running')
fields.attempt = fields.attempt + 1
fields.token = head.token
fields.lease = now + tonumber(ARGV[5])
fields.nonce = nonce
fields.worker = ARGV[4]
fields.failure = nil
fields.woken = nil
local try = fields.attempt + (fields.losses or 0)
local started = { step = step, state = 'running', attempt = try, token = fields.token }
if (fields.ticket or '') ~= '' then started.again = true end  -- it only looks after what goes on elsewhere
emit(job, head, 'step', cjson.encode(started), now)
save_step(job, step, fields)
save_head(job, head)
ready_never(queue, head, job, step)
redis.call('ZADD', 'due', 'LT', fields.lease, job)  -- the holder may never be heard of again
if head.state == 'queued' then
  head.rev = head.rev + 1
  save_head(job, head)
  wake(job, now)
end
return granted(head, fields, spec)
