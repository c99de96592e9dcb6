-- Services beyond the transport that a courier declares. Older code runs beside it: it neither
-- reads nor writes the column.

alter table network.courier
  -- As queqiao.network.v1.AddedService, named as there: always read and replaced as a whole.
  add column added_services jsonb not null default '[]'
    check (jsonb_typeof(added_services) = 'array' and jsonb_array_length(added_services) <= 20);
