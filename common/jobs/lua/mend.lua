-- ARGV: owners. Takes jobs that are gone off their lists, and owners without active jobs off the list of owners.
for _, owner in ipairs(ARGV) do
  local mine = { 'active:' .. owner, 'aside:' .. owner }
  for _, set in ipairs(mine) do
    for _, job in ipairs(redis.call('SDIFF', set, 'active')) do redis.call('SREM', set, job) end
  end
  if redis.call('EXISTS', mine[1], mine[2]) == 0 then redis.call('SREM', 'owners', owner) end
end
return 1
