-- ARGV: job, step, token, failure (JSON). Returns 'ok' or 'lost'. Whether to try again is the decision's business.
local job, step, token = ARGV[1], ARGV[2], tonumber(ARGV[3])
local head, fields = load_head(job), load_step(job, step)
if not head or not fields or fields.token ~= token then return 'lost' end
if fields.state == 'failed' then return 'ok' end  -- the same call came twice
if fields.state ~= 'running' or TERMINAL[head.state] then return 'lost' end
local now = now_ms()
head.rev = head.rev + 1
move(STEP_MOVES, fields, 'failed')
fields.failure = ARGV[4]
fields.lease = 0
fields.worker = ''
local told = cjson.decode(ARGV[4])
emit(job, head, 'step', cjson.encode({
  step = step, state = 'failed', attempt = fields.attempt, token = token, code = told.code, message = told.message,
}), now)
save_step(job, step, fields)
save_head(job, head)
wake(job, now)
return 'ok'
