-- ARGV: job, step, token, owner, 'deferred' or 'unknown', ticket, ms, note, share done, spec, work
-- The holder hands the step back because its work goes on elsewhere, or may. After so many ms it is deferred no longer, or
-- given up. Returns 'ok' or 'lost'. A ticket whose claim is over is noted if the step still waits to do this work, and is
-- otherwise called off, unless whoever does the work now has it, too.
local job, step, token, owner, state, ticket = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5], ARGV[6]
local work = ARGV[11]
local head, fields = load_head(job), load_step(job, step)
local now = now_ms()
local holds = head and fields and fields.token == token
local known = fields and fields.ticket == ticket
if holds and known and fields.state ~= 'running' then return 'ok' end  -- the same call came twice
if not holds or fields.state ~= 'running' or TERMINAL[head.state] then
  local put_off = holds and not TERMINAL[head.state] and (fields.state == 'waiting' or fields.state == 'ready')
  if put_off and fields.work == work then
    fields.ticket = ticket  -- it goes on with this
    save_step(job, step, fields)
  elseif not known then
    call_off(owner, job, step, ticket, ARGV[10], now, work)
  end
  return 'lost'
end
local news = fields.note ~= ARGV[8]
if fields.woken then state = 'deferred' end  -- what it waits for has come while it was looking
move(STEP_MOVES, fields, state)
-- Waiting is no attempt, and failed looks count from the last one that reached the other side. What was spent before this
-- order was placed stays spent: an order that fails again and again must not be placed for ever.
if fields.ticket ~= ticket then fields.spent = fields.attempt - 1 end
fields.attempt = fields.spent or 0
fields.losses = 0
fields.ticket = ticket
fields.note = ARGV[8]
fields.not_before = fields.woken and now or now + tonumber(ARGV[7])
fields.woken = nil
fields.done = math.max(fields.done, tonumber(ARGV[9]))
fields.lease = 0
fields.worker = ''
fields.nonce = nil
head.rev = head.rev + 1
emit(job, head, 'step', cjson.encode({ step = step, state = state, message = news and ARGV[8] or nil }), now)
save_step(job, step, fields)
save_head(job, head)
wake(job, now)
return 'ok'
