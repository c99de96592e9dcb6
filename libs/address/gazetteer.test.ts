import { describe, expect, it } from 'vitest';
import { distanceM } from '#libs/geo';
import { pointsOfGeoNames } from './geonames.fixture.ts';
import { divisions, gazetteerPoint, parseAddress } from './index.ts';

describe('the gazetteer', () => {
  it('is what GeoNames and the divisions make it; `vitest -u` makes it anew', async () => {
    await expect(pointsOfGeoNames()).toMatchFileSnapshot('points.csv');
  }, 30_000);

  it('knows where things are', () => {
    const near = (text: string, latitudeDeg: number, longitudeDeg: number, km: number) => {
      const point = gazetteerPoint(parseAddress(text));
      if (point === undefined) throw new Error(`no point for ${text}`);
      expect(distanceM(point, { latitudeDeg, longitudeDeg })).toBeLessThan(km * 1_000);
      return point.code;
    };
    expect(near('杭州市萧山区', 30.17, 120.26, 5)).toBe('330109');
    expect(near('浙江省杭州市', 30.29, 120.16, 5)).toBe('330100');
    expect(near('北京市海淀区', 39.96, 116.3, 15)).toMatch(/^110/);
    expect(near('江苏省昆山市', 31.38, 120.95, 8)).toBe('320583');
  });

  it('has a point for nearly every county or its city, and none of elsewhere', () => {
    const known = divisions();
    let [count, own, none] = [0, 0, 0];
    for (const [node, code] of known.codes.entries()) {
      if (known.level(node) !== 2 || code.startsWith('7') || code.startsWith('8')) continue;
      const cityCode = known.codeOf(known.parent(node));
      const point = gazetteerPoint({ ...NOWHERE, countyCode: code, cityCode });
      count++;
      if (point === undefined) none++;
      else if (point.code === code) own++;
    }
    expect(own / count).toBeGreaterThan(0.5);
    expect(none / count).toBeLessThan(0.02);
  });
});

const NOWHERE = {
  code: '',
  province: '',
  provinceCode: '',
  city: '',
  cityCode: '',
  county: '',
  countyCode: '',
  street: '',
  streetCode: '',
};
