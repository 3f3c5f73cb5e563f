-- ARGV: job, step, token, lease ms, share done. Returns 'ok', 'lost' or 'called_off'. Leaves rev alone.
local job, step, token, done = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[5])
local head, fields = load_head(job), load_step(job, step)
if not head or not fields or fields.state ~= 'running' or fields.token ~= token then return 'lost' end
if TERMINAL[head.state] or head.cancel == 1 then return 'called_off' end
local now = now_ms()
fields.lease = now + tonumber(ARGV[4])
if done > fields.done then
  -- one event per twentieth of a step and per second of a job: readers want movement, not every frame
  if math.floor(done * 20) > math.floor(fields.done * 20) and now - (head.told or 0) >= 1000 then
    head.told = now
    emit(job, head, 'progress', cjson.encode({ step = step, done = done }), now)
    save_head(job, head)
  end
  fields.done = done
end
save_step(job, step, fields)
return 'ok'
