-- ARGV: job, rev the decision was made for, decision (JSON):
--   head   {field: value}         changes of the head
--   steps  {name: {field: value}} changes of steps; never lease, token or worker of a running one
--   ready  {name: queue}          every step that wants a hint
--   unready {name: queue}         steps that want none any more
--   events [{type, data}]
--   look   ms of the next look
-- Returns 1, or 0 when the job has changed meanwhile.
local job = ARGV[1]
local head = load_head(job)
if not head or head.rev ~= tonumber(ARGV[2]) then return 0 end
local decision = cjson.decode(ARGV[3])
local now = now_ms()
local changed = false
for field, value in pairs(decision.head) do
  head[field] = value
  changed = true
end
for name, patch in pairs(decision.steps) do
  local fields = load_step(job, name) or { attempt = 0, token = 0, lease = 0, not_before = 0, done = 0 }
  for field, value in pairs(patch) do fields[field] = value end
  if patch.state then
    fields.lease = 0
    fields.worker = ''
  end
  save_step(job, name, fields)
  changed = true
end
for name, queue in pairs(decision.ready) do
  local fields = load_step(job, name)
  local member = ready_member(head, job, name)
  local from = math.max(fields.not_before, now)  -- who became ready first is hinted first
  if decision.steps[name] then
    redis.call('ZADD', 'ready:' .. queue, from, member)
  else
    redis.call('ZADD', 'ready:' .. queue, 'NX', from, member)  -- repairs a lost entry
  end
end
for name, queue in pairs(decision.unready) do
  redis.call('ZREM', 'ready:' .. queue, ready_member(head, job, name))
end
for _, event in ipairs(decision.events) do
  emit(job, head, event.type, event.data, now)
end
if changed then
  head.rev = head.rev + 1
  save_head(job, head)
end
if TERMINAL[head.state] then
  redis.call('ZREM', 'due', job)
  redis.call('SREM', 'active', job)
else
  redis.call('ZADD', 'due', decision.look, job)
end
return 1
