import { AreaSchema } from '#proto/queqiao/network/v1/area';
import { choice, fromPlain, type Resource, state, toPlain } from './network-resource.ts';

/** What `queqiao area` works on. */
export const AREA: Resource = {
  name: 'area',
  title:
    'Where couriers deliver, and which branch and route a place belongs to. / 服务范围与辖区。',
  idKey: 'area_id',
  columns: [
    ...['area_id', 'courier_id', 'kind', 'state', 'display_name', 'cell_count'],
    ...['hub_code', 'branch_code', 'route_code', 'bag_destination', 'reason', 'end_time'],
  ],
  flags: [
    { flag: '--courier <id>', key: 'courier_id', help: 'whose; fixed' },
    choice('--kind', 'kind', {
      service: 'KIND_SERVICE',
      blocked: 'KIND_BLOCKED',
      territory: 'KIND_TERRITORY',
    }),
    { flag: '--name <text>', key: 'display_name', help: 'name for people' },
    {
      flag: '--geojson <file>',
      key: 'geojson',
      help: 'a polygon or several; replaces the cells',
      isFile: true,
    },
    choice('--datum', 'datum', {
      wgs84: 'DATUM_WGS84',
      gcj02: 'DATUM_GCJ02',
      bd09: 'DATUM_BD09',
    }),
    {
      flag: '--cell <cell>',
      key: 'cells',
      help: 'an H3 cell of resolution 5 to 9; may be repeated',
      toItem: (text) => text,
    },
    {
      flag: '--division <code>',
      key: 'division_codes',
      help: 'a province, city, county or street; may be repeated',
      toItem: (text) => text,
    },
    {
      flag: '--hub <code>',
      key: 'hub_code',
      help: 'of a territory: its sorting centre; left out, that of its city',
    },
    {
      flag: '--branch <code>',
      key: 'branch_code',
      help: 'of a territory: its branch; left out, the next number',
    },
    { flag: '--route <code>', key: 'route_code', help: 'of a territory that is one route' },
    { flag: '--bag <text>', key: 'bag_destination', help: 'where bags for it are opened' },
    { flag: '--reason <text>', key: 'reason', help: 'of a blocked area: why' },
    { flag: '--from <time>', key: 'start_time', help: 'of a blocked area: 2026-06-18T00:00:00Z' },
    { flag: '--until <time>', key: 'end_time', help: 'of a blocked area: when it ends' },
    state('STATE_'),
  ],
  get: async (client, areaId) => toPlain(AreaSchema, (await client.getArea({ areaId })).area),
  list: async (client, { courierId = '', ...page }) => {
    const { areas, nextPageToken } = await client.listAreas({ ...page, courierId });
    return { items: areas.map((each) => toPlain(AreaSchema, each)), nextPageToken };
  },
  listFlags: [{ flag: '--courier <id>', key: 'courierId', help: 'only of this courier' }],
  create: async (client, plain) => {
    const area = fromPlain(AreaSchema, plain);
    return toPlain(AreaSchema, (await client.createArea({ area })).area);
  },
  update: async (client, plain) => {
    // A new shape takes the place of the cells that were read.
    const { cells, ...rest } = plain;
    const area = fromPlain(AreaSchema, rest['geojson'] ? rest : { ...rest, cells });
    return toPlain(AreaSchema, (await client.updateArea({ area })).area);
  },
};
