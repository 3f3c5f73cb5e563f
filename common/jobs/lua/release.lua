-- ARGV: job, step, token, queue. The holder hands the step back unfinished, which is no fault of the step: it is ready at
-- once, and nothing is counted. Returns 'ok' or 'lost'.
local job, step, token, queue = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local head, fields = load_head(job), load_step(job, step)
if not head or not fields or fields.token ~= token then return 'lost' end
if fields.state ~= 'running' or TERMINAL[head.state] then return fields.state == 'ready' and 'ok' or 'lost' end
local now = now_ms()
head.rev = head.rev + 1
move(STEP_MOVES, fields, 'ready')
fields.attempt = fields.attempt - 1
fields.lease = 0
fields.worker = ''
fields.nonce = nil
emit(job, head, 'step', cjson.encode({ step = step, state = 'ready', released = true }), now)
save_step(job, step, fields)
save_head(job, head)
ready_from(queue, head, job, step, now, now)
wake(job, now)
return 'ok'
