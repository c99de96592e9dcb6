-- The network service's tables. First release: no older code runs beside it.

create domain network.slug as text collate "C" check (value ~ '^[a-z][a-z0-9-]{1,31}$');
create domain network.state as text collate "C" check (value in ('active', 'disabled'));

-- version counts the changes of a row from 1; the etag is made of it.
create table network.merchant (
  merchant_id network.slug primary key,
  display_name text not null check (length(display_name) between 1 and 80),
  state network.state not null,
  spread smallint not null check (spread in (1, 2, 4, 8, 16, 32, 64)),
  -- Stored, not computed when asked: waybills lie where it says, so it must never change.
  home_bucket smallint not null check (home_bucket between 0 and 255),
  version bigint not null default 1 check (version >= 1),
  create_time timestamptz not null,
  update_time timestamptz not null
);

create table network.courier (
  courier_id network.slug primary key,
  display_name text not null check (length(display_name) between 1 and 80),
  state network.state not null,
  -- [{"service_code", "display_name"}], the default first: always read and replaced as a whole.
  services jsonb not null
    check (jsonb_typeof(services) = 'array' and jsonb_array_length(services) between 1 and 20),
  version bigint not null default 1 check (version >= 1),
  create_time timestamptz not null,
  update_time timestamptz not null
);

create table network.node (
  node_id network.slug primary key,
  kind text collate "C" not null check (kind in ('warehouse', 'store', 'station')),
  display_name text not null check (length(display_name) between 1 and 80),
  -- Null: a node that all merchants may use.
  merchant_id network.slug constraint node_merchant references network.merchant,
  state network.state not null,
  province text not null check (length(province) between 1 and 20),
  city text not null check (length(city) <= 20),
  district text not null check (length(district) <= 20),
  street text not null check (length(street) <= 30),
  detail text not null check (length(detail) between 1 and 256),
  phone text not null check (length(phone) <= 40),
  -- As measured; the same point in WGS-84 stands beside it.
  latitude_deg double precision not null check (latitude_deg between -90 and 90),
  longitude_deg double precision not null check (longitude_deg between -180 and 180),
  datum text collate "C" not null check (datum in ('wgs84', 'gcj02', 'bd09')),
  wgs84_latitude_deg double precision not null check (wgs84_latitude_deg between -90 and 90),
  wgs84_longitude_deg double precision not null check (wgs84_longitude_deg between -180 and 180),
  -- H3, resolution 9, of the point in WGS-84.
  cell text collate "C" not null check (cell ~ '^[0-9a-f]{15}$'),
  version bigint not null default 1 check (version >= 1),
  create_time timestamptz not null,
  update_time timestamptz not null
);
create index node_merchant_id on network.node (merchant_id, node_id);

create type network.number_span as range (subtype = text, collation = "C");

create table network.number_range (
  range_id network.slug primary key,
  courier_id network.slug not null constraint number_range_courier references network.courier,
  -- Null: a range that all merchants may draw from.
  merchant_id network.slug constraint number_range_merchant references network.merchant,
  prefix text collate "C" not null check (prefix ~ '^[A-Z0-9]{0,8}$'),
  serial_width smallint not null check (serial_width between 4 and 15),
  first_serial bigint not null check (first_serial >= 0),
  last_serial bigint not null,
  check_digit_scheme text collate "C" not null
    check (check_digit_scheme in ('none', 'iso7064_mod11_10', 'gs1_mod10', 'upu_s10')),
  suffix text collate "C" not null check (suffix ~ '^[A-Z]{0,4}$'),
  low_water_count bigint not null check (low_water_count >= 0),
  state network.state not null,
  -- What the waybill service last reported, and when it counted; before that, all of them.
  remaining_count bigint not null check (remaining_count >= 0),
  count_time timestamptz,
  low_water_time timestamptz,
  version bigint not null default 1 check (version >= 1),
  create_time timestamptz not null,
  update_time timestamptz not null,
  -- From the lowest to the highest text that a number of the range can be, whatever its check
  -- digit, with the length in front so that texts of different length never compare. Every number
  -- of the range lies between the two, so ranges whose spans do not meet can never give the same
  -- number. Computed here, so that no caller can store a span that is not the range's own.
  span network.number_span not null generated always as (
    network.number_span(
      chr(length(prefix) + serial_width
          + case when check_digit_scheme = 'none' then 0 else 1 end + length(suffix))
        || prefix || lpad(first_serial::text, serial_width, '0')
        || case when check_digit_scheme = 'none' then '' else '0' end || suffix,
      chr(length(prefix) + serial_width
          + case when check_digit_scheme = 'none' then 0 else 1 end + length(suffix))
        || prefix || lpad(last_serial::text, serial_width, '0')
        || case when check_digit_scheme = 'none' then '' else '9' end || suffix,
      '[]')
  ) stored,
  check (last_serial >= first_serial),
  -- Also keeps lpad, which cuts what is too long, from ever cutting.
  check (last_serial < 10::numeric ^ serial_width),
  check (
    length(prefix) + serial_width + case when check_digit_scheme = 'none' then 0 else 1 end
      + length(suffix) between 5 and 32
  ),
  check (check_digit_scheme <> 'upu_s10' or (serial_width = 8 and prefix !~ '[0-9]')),
  check (
    (low_water_time is not null) = (low_water_count > 0 and remaining_count <= low_water_count)
  ),
  constraint number_range_overlap exclude using gist (span with &&)
);
create index number_range_courier_id on network.number_range (courier_id, range_id);

create table network.api_key (
  api_key_id network.slug primary key,
  subject_kind text collate "C" not null
    check (subject_kind in ('operator', 'merchant', 'courier')),
  subject_id text collate "C" not null check ((subject_id = '') = (subject_kind = 'operator')),
  -- The subject once more in a form that a foreign key can check.
  merchant_id network.slug generated always as (
    case when subject_kind = 'merchant' then subject_id end
  ) stored constraint api_key_merchant references network.merchant,
  courier_id network.slug generated always as (
    case when subject_kind = 'courier' then subject_id end
  ) stored constraint api_key_courier references network.courier,
  scopes text[] not null check (cardinality(scopes) between 1 and 20),
  -- What finds the row; the rest of the secret is known only by its HMAC.
  key_index text collate "C" not null unique check (key_index ~ '^[0-9A-Za-z]{8}$'),
  secret_hmac bytea not null check (length(secret_hmac) = 32),
  expire_time timestamptz,
  create_time timestamptz not null,
  revoke_time timestamptz,
  version bigint not null default 1 check (version >= 1)
);

-- Events that could not be handled, for an operator to look at.
create table network.dead_letter (
  dead_letter_id bigint generated always as identity primary key,
  consumer text collate "C" not null,
  -- Text: a message of another's making may carry anything as its id.
  event_id text not null,
  subject text not null,
  payload bytea not null,
  error text not null,
  create_time timestamptz not null,
  unique (consumer, event_id)
);
