-- ARGV: job, step, token, facts (JSON), seconds for which the result is known to other jobs.
-- Returns 'ok', 'known' (the same work had a result already, which counts) or 'lost'.
local job, step, token, reuse = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[5])
local head, fields = load_head(job), load_step(job, step)
if not head or not fields or fields.token ~= token then return 'lost' end
local facts = ARGV[4]
if fields.state == 'done' then return fields.facts == facts and 'ok' or 'known' end  -- the same call came twice
if fields.state ~= 'running' or TERMINAL[head.state] then return 'lost' end
move(STEP_MOVES, fields, 'done')
local answer = 'ok'
if reuse > 0 then
  -- the first result of a work is the result: a later one is dropped in its favour
  local pointer = 'work:' .. head.owner .. ':' .. fields.work
  local first = redis.call('GET', pointer)
  if first and first ~= facts then
    facts, answer = first, 'known'
  end
  redis.call('SET', pointer, facts, 'EX', reuse)
end
local now = now_ms()
head.rev = head.rev + 1
fields.done = 1
fields.facts = facts
fields.lease = 0
fields.worker = ''
fields.reused = 0
fields.ticket = nil
fields.note = nil
emit(job, head, 'step', cjson.encode({ step = step, state = 'done', attempt = fields.attempt, token = token }), now)
redis.call('HDEL', 'job:' .. job .. ':spec', step)
save_step(job, step, fields)
save_head(job, head)
wake(job, now)
return answer
