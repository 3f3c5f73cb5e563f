-- ARGV: job, step, token, owner, 'deferred' or 'unknown', ticket, ms, note, share done, spec
-- The holder hands the step back because its work goes on elsewhere, or may. After so many ms it is deferred no longer, or
-- given up. Returns 'ok' or 'lost'; a ticket that gets lost with the claim is called off.
local job, step, token, owner, state, ticket = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5], ARGV[6]
local head, fields = load_head(job), load_step(job, step)
local now = now_ms()
local holds = head and fields and fields.token == token
local known = fields and fields.ticket == ticket
if holds and known and fields.state ~= 'running' then return 'ok' end  -- the same call came twice
if not holds or fields.state ~= 'running' or TERMINAL[head.state] then
  if not known then call_off(owner, job, step, ticket, ARGV[10], now) end
  return 'lost'
end
local news = fields.note ~= ARGV[8]
if fields.woken then state = 'deferred' end  -- what it waits for has come while it was looking
move(STEP_MOVES, fields, state)
fields.ticket = ticket
fields.note = ARGV[8]
fields.not_before = fields.woken and now or now + tonumber(ARGV[7])
fields.woken = nil
fields.done = math.max(fields.done, tonumber(ARGV[9]))
-- The other side was reached: waiting is no attempt, and failures are counted from here.
fields.attempt = 0
fields.losses = 0
fields.lease = 0
fields.worker = ''
fields.nonce = nil
head.rev = head.rev + 1
emit(job, head, 'step', cjson.encode({ step = step, state = state, message = news and ARGV[8] or nil }), now)
save_step(job, step, fields)
save_head(job, head)
wake(job, now)
return 'ok'
