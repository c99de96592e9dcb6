import { create } from '@bufbuild/protobuf';
import { invalid } from '#libs/errors';
import {
  type Courier,
  CourierSchema,
  type CourierService,
} from '#proto/queqiao/network/v1/courier';
import {
  type AddedServiceDraft,
  addedServiceToMessage,
  parseAddedServices,
} from './added-service.ts';
import { match, present, slug, text } from './field.ts';
import { history, newState, STATES, type State, state, type Versioned } from './message.ts';

/** What a caller says of a courier, valid and named as the columns are. */
export type CourierDraft = {
  courier_id: string;
  display_name: string;
  state: State;
  services: ServiceDraft[];
  added_services: AddedServiceDraft[];
  account_required: boolean;
};

export type CourierRow = CourierDraft & Versioned;

export function parseNewCourier(courier: Courier | undefined): CourierDraft {
  return parse(courier, newState);
}

export function parseCourier(courier: Courier | undefined): CourierDraft {
  return parse(courier, state);
}

function parse(courier: Courier | undefined, stateOf: typeof state): CourierDraft {
  const given = present('courier', courier);
  const offered = new Set(given.services.map(({ serviceCode }) => serviceCode));
  return {
    courier_id: slug('courier.courier_id', given.courierId),
    display_name: text('courier.display_name', given.displayName, 1, 80),
    state: stateOf('courier.state', given.state),
    services: parseServices(given.services),
    added_services: parseAddedServices('courier.added_services', given.addedServices, offered),
    account_required: given.accountRequired,
  };
}

function parseServices(services: CourierService[]): ServiceDraft[] {
  if (services.length < 1 || services.length > SERVICES_MAX) {
    throw invalid('courier.services', 'LIST_SIZE', { min: 1, max: SERVICES_MAX });
  }
  const codes = new Set<string>();
  return services.map(({ serviceCode, displayName }, i) => {
    const field = `courier.services[${i}]`;
    const code = match(`${field}.service_code`, serviceCode, SERVICE_CODE, 'SERVICE_CODE');
    if (codes.has(code)) throw invalid(`${field}.service_code`, 'REPEATED');
    codes.add(code);
    const name = text(`${field}.display_name`, displayName, 1, 40);
    return { service_code: code, display_name: name };
  });
}

export function courierToMessage(row: CourierRow): Courier {
  return create(CourierSchema, {
    courierId: row.courier_id,
    displayName: row.display_name,
    state: STATES[row.state],
    services: row.services.map((service) => ({
      serviceCode: service.service_code,
      displayName: service.display_name,
    })),
    addedServices: row.added_services.map(addedServiceToMessage),
    accountRequired: row.account_required,
    ...history(row.courier_id, row),
  });
}

const SERVICES_MAX = 20;
const SERVICE_CODE = /^[a-z0-9-]{1,32}$/;

type ServiceDraft = { service_code: string; display_name: string };
