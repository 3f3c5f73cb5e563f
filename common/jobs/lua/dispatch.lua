-- ARGV: queue, how many, ms until a step may be hinted again.
-- Picks steps that want a hint: owners in turn, and within an owner its jobs in turn. Returns {job, step, job, step, ...}.
local queue, room, again = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local ready, turn = 'ready:' .. queue, 'turn:' .. queue
local now = now_ms()
local owners, order = {}, {}
for _, member in ipairs(redis.call('ZRANGEBYSCORE', ready, '-inf', now, 'LIMIT', 0, 2000)) do
  local owner, job, step = member:match('^([^/]+)/([^/]+)/(.+)$')
  local known = owners[owner]
  if not known then
    known = { name = owner, jobs = {}, list = {} }
    owners[owner] = known
    table.insert(order, known)
  end
  local steps = known.jobs[job]
  if not steps then
    steps = { name = owner .. '/' .. job, job = job }
    known.jobs[job] = steps
    table.insert(known.list, steps)
  end
  table.insert(steps, { step = step, member = member })
end

-- Who waited longest since the last turn goes first. A newcomer comes right after whoever waited longest, not before:
-- a stream of newcomers must not keep the others waiting.
local function by_turn(list)
  local longest
  for _, entry in ipairs(list) do
    entry.last = tonumber(redis.call('ZSCORE', turn, entry.name) or nil)
    if entry.last and (not longest or entry.last < longest) then longest = entry.last end
  end
  for _, entry in ipairs(list) do
    if not entry.last then
      entry.last = (longest or 0) + 0.5
      redis.call('ZADD', turn, entry.last, entry.name)
    end
  end
  table.sort(list, function(a, b)
    if a.last ~= b.last then return a.last < b.last end
    return a.name < b.name
  end)
end

by_turn(order)
for _, owner in ipairs(order) do by_turn(owner.list) end

local picked, served = {}, math.ceil(tonumber(redis.call('ZREVRANGE', turn, 0, 0, 'WITHSCORES')[2] or 0))
while #picked < room * 2 do
  local any = false
  for _, owner in ipairs(order) do
    if #picked < room * 2 and #owner.list > 0 then
      local steps = table.remove(owner.list, 1)
      local pick = table.remove(steps, 1)
      if #steps > 0 then table.insert(owner.list, steps) end
      served = served + 1
      redis.call('ZADD', turn, served, owner.name, served, steps.name)
      redis.call('ZADD', ready, now + again, pick.member)
      table.insert(picked, steps.job)
      table.insert(picked, pick.step)
      any = true
    end
  end
  if not any then break end
end
redis.call('ZREMRANGEBYRANK', turn, 0, -5001)  -- long ended jobs need no turn
return picked
