import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LabelSize } from '#proto/queqiao/waybill/v1/label_service';
import {
  type SeededMerchant,
  seedMerchant,
  type TestSystem,
  testSystem,
} from '#test/support/system';
import { templateOf } from '../label.fixture.ts';

let system: TestSystem;
let shop: SeededMerchant;

beforeAll(async () => {
  system = await testSystem();
  shop = await seedMerchant(system);
});
afterAll(() => system[Symbol.asyncDispose]());

const label = () => system.label(shop.apiKey);

describe('CreateLabelTemplate, GetLabelTemplate, ListLabelTemplates', () => {
  it('keep a template as it was declared, and answer it again', async () => {
    const template = templateOf('first');
    const { template: created } = await label().createLabelTemplate({ template });
    expect(created).toMatchObject({ ...template, merchantId: shop.merchantId });
    expect(created?.createTime).toBeDefined();
    expect((await label().createLabelTemplate({ template })).template).toEqual(created);
    const read = await label().getLabelTemplate({ templateId: 'first' });
    expect(read.template).toEqual(created);
    const merchantId = shop.merchantId;
    const asked = await system.label().getLabelTemplate({ merchantId, templateId: 'first' });
    expect(asked.template).toEqual(created);
  });

  it('take it as the same when many create it at once, and refuse other contents', async () => {
    const template = templateOf('at-once');
    const all = await Promise.all(
      Array.from({ length: 6 }, () => label().createLabelTemplate({ template })),
    );
    expect(new Set(all.map(({ template: made }) => String(made?.createTime?.nanos))).size).toBe(1);
    const size = LabelSize.LABEL_SIZE_100X180;
    const changed = label().createLabelTemplate({ template: { ...template, size } });
    await expect(changed).rejects.toMatchObject({ reason: 'RESOURCE_EXISTS' });
  });

  it('list page by page in order', async () => {
    const other = await seedMerchant(system);
    for (const id of ['tc', 'ta', 'tb']) {
      await system.label(other.apiKey).createLabelTemplate({ template: templateOf(id) });
    }
    const client = system.label(other.apiKey);
    const first = await client.listLabelTemplates({ pageSize: 2 });
    expect(first.templates.map(({ templateId }) => templateId)).toEqual(['ta', 'tb']);
    const { nextPageToken: pageToken } = first;
    const second = await client.listLabelTemplates({ pageSize: 2, pageToken });
    expect(second.templates.map(({ templateId }) => templateId)).toEqual(['tc']);
    expect(second.nextPageToken).toBe('');
    const foreign = label().listLabelTemplates({ pageToken });
    await expect(foreign).rejects.toMatchObject({ reason: 'PAGE_TOKEN_INVALID' });
  });

  it('know nothing of other merchants’ templates', async () => {
    const other = await seedMerchant(system);
    await system.label(other.apiKey).createLabelTemplate({ template: templateOf('theirs') });
    const { templates } = await label().listLabelTemplates({});
    expect(templates.map(({ templateId }) => templateId)).not.toContain('theirs');
    await expect(label().getLabelTemplate({ templateId: 'theirs' })).rejects.toMatchObject({
      reason: 'LABEL_TEMPLATE_NOT_FOUND',
    });
    const { merchantId } = other;
    const named = label().getLabelTemplate({ merchantId, templateId: 'theirs' });
    await expect(named).rejects.toMatchObject({ reason: 'TENANT_FOREIGN' });
  });

  it('name the field at fault', async () => {
    const good = templateOf('faulty');
    const [field] = good.fields;
    const withField = (change: object) => ({ ...good, fields: [{ ...field, ...change }] });
    const faults: [object, string, string?][] = [
      [{}, 'template'],
      [{ template: { ...good, templateId: 'X' } }, 'template.template_id', 'SLUG'],
      [{ template: { ...good, size: 9 } }, 'template.size', 'UNKNOWN_VALUE'],
      [{ template: { ...good, fields: [] } }, 'template.fields', 'LIST_SIZE'],
      [{ template: withField({ key: 'Ä' }) }, 'template.fields[0].key', 'TEMPLATE_KEY'],
      [{ template: withField({ caption: 'a'.repeat(21) }) }, 'template.fields[0].caption'],
      [{ template: withField({ caption: '很长的标题'.repeat(3) }) }, 'template.fields[0].caption'],
      [{ template: withField({ xDmm: 500 }) }, 'template.fields[0]', 'OUTSIDE_AREA'],
      [{ template: withField({ yDmm: -1 }) }, 'template.fields[0]', 'OUTSIDE_AREA'],
      [{ template: withField({ textSizeDmm: 19 }) }, 'template.fields[0].text_size_dmm'],
      [{ template: withField({ heightDmm: 35 }) }, 'template.fields[0].height_dmm', 'TOO_LOW'],
      [{ template: { ...good, fields: [field, field] } }, 'template.fields[1].key', 'REPEATED'],
      [
        { template: { ...good, fields: [field, { ...field, key: 'b' }] } },
        'template.fields[1]',
        'OVERLAPS',
      ],
    ];
    for (const [request, path, problem] of faults) {
      const failure = label().createLabelTemplate(request);
      await expect(failure, path).rejects.toMatchObject({
        field: path,
        ...(problem && { metadata: { problem } }),
      });
    }
    const unknown = { template: { ...good, merchantId: 'nobody' } };
    const asOperator = system.label().createLabelTemplate(unknown);
    await expect(asOperator).rejects.toMatchObject({ reason: 'MERCHANT_NOT_FOUND' });
  });
});
