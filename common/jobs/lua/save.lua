-- ARGV: job, decision (JSON):
--   rev, token, saved, version, cancel   what the decision saw of the head
--   head    {field: value}        changes of the head
--   waiting kinds of which steps wait once it is made, for `claim`
--   steps   {name: {field: value}}  changes of steps; never lease, token or worker of a running one
--   seen    {name: [state, token]}  what the decision saw of the steps it changes ('' when there was none)
--   specs   {name: JSON}
--   ready   {name: queue}         steps that want a hint
--   unready {name: queue}         steps that want none any more
--   events  [{type, data}]
--   known   [pointer]             finished work whose objects are gone
--   ending  {field: value}        for the record of the version
--   look    ms of the next look
-- Returns 1, or 0 when the job has changed under the decision. Steps that moved meanwhile but are not changed here do no
-- harm: the job is looked at again at once.
local job, decision = ARGV[1], cjson.decode(ARGV[2])
local head = load_head(job)
if not head or head.saved ~= decision.saved or head.version ~= decision.version or head.cancel ~= decision.cancel then
  return 0
end
local moved = head.rev ~= decision.rev or head.token ~= decision.token  -- a claim counts, too: its lease is to be watched
if moved and TERMINAL[decision.head.state or ''] then return 0 end
local steps, dropped = {}, {}
-- A ticket goes with the work it was given for. The record is asked, not the decision: a ticket that was written since
-- changes neither state nor token of a running step.
local function drops_ticket(fields, patch)
  local other_work = patch.work and patch.work ~= fields.work
  return patch.ticket == '' or other_work or patch.state == 'skipped' or patch.state == 'done'
end
for name, patch in pairs(decision.steps) do
  local fields = load_step(job, name)
  local seen = decision.seen[name]
  if (fields and fields.state or '') ~= seen[1] or (fields and fields.token or 0) ~= seen[2] then return 0 end
  steps[name] = fields or { attempt = 0, token = 0, lease = 0, not_before = 0, done = 0 }
  local lease = steps[name].state == 'running' and steps[name].lease or 0
  if patch.state then move(STEP_MOVES, steps[name], patch.state) end
  if (steps[name].ticket or '') ~= '' and drops_ticket(steps[name], patch) then
    -- Its holder may be about to send the order: it is told off when that can be no more.
    dropped[name] = { steps[name].ticket, lease }
    steps[name].ticket = nil
    steps[name].note = nil
  end
  for field, value in pairs(patch) do steps[name][field] = value end
  if patch.state then
    steps[name].lease = 0
    steps[name].worker = ''
  end
end
local now = now_ms()
local key = 'job:' .. job
local changed = next(decision.head) ~= nil or next(steps) ~= nil
if decision.head.state then move(JOB_MOVES, head, decision.head.state) end
for field, value in pairs(decision.head) do head[field] = value end
for name, drop in pairs(dropped) do
  call_off(head.owner, job, name, drop[1], redis.call('HGET', key .. ':spec', name), math.max(now, drop[2]))
end
for name, fields in pairs(steps) do
  save_step(job, name, fields)
  local put_off = fields.state == 'waiting' and (fields.ticket or '') == ''  -- a ticket is called off with its spec
  if fields.state == 'done' or fields.state == 'skipped' or put_off then
    redis.call('HDEL', key .. ':spec', name)
  end
end
for name, spec in pairs(decision.specs) do redis.call('HSET', key .. ':spec', name, spec) end
for name, queue in pairs(decision.unready) do ready_never(queue, head, job, name) end
for name, queue in pairs(decision.ready) do
  if steps[name] then
    if decision.seen[name][1] == 'ready' then ready_never(queue, head, job, name) end
    ready_from(queue, head, job, name, steps[name].not_before, now)
  elseif not redis.call('ZSCORE', 'later:' .. queue, ready_member(head, job, name)) then
    local fields = load_step(job, name)  -- if its entry got lost, it has one again
    if fields and fields.state == 'ready' then ready_from(queue, head, job, name, fields.not_before, now) end
  end
end
for _, pointer in ipairs(decision.known) do redis.call('DEL', pointer) end
for _, event in ipairs(decision.events) do emit(job, head, event.type, event.data, now) end
decision.ending.storyboard = decision.head.storyboard
if next(decision.ending) ~= nil then
  local field = 'version:' .. head.version
  local record = cjson.decode(redis.call('HGET', key, field) or '{}')
  for name, value in pairs(decision.ending) do record[name] = value end
  redis.call('HSET', key, field, cjson.encode(record))
end
if changed then
  head.waiting = decision.waiting
  head.rev = head.rev + 1
  head.saved = head.saved + 1
  save_head(job, head)
end
if TERMINAL[head.state] then
  leave_place(job, head)
  redis.call('DEL', key .. ':spec')
  redis.call('ZADD', 'archive', now, job)
else
  redis.call('ZADD', 'due', moved and now or decision.look, job)
end
return 1
